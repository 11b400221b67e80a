using System.Security.Cryptography;

namespace Pitr.Storage.S3;

/// <summary>
/// Puts objects: in one request, or in parts. Memory is bounded for any size: what is in memory anyway is sent from there,
/// everything else passes through buffers of a common budget, or, where parts get too large for that, is streamed.
/// </summary>
sealed class S3Upload
{
    const int HashBuffer = 128 * 1024;

    readonly S3Options _options;
    readonly S3Limits _limits;
    readonly S3Calls _calls;
    readonly S3Requests _requests;
    readonly ConditionalWrites _conditions;
    readonly BufferBudget _budget;
    readonly BufferPool _pool;
    readonly UploadSource _reading;
    readonly ObjectCreation _creation;
    readonly S3PartsUpload _parts;

    public S3Upload(S3Options options, S3Limits limits, S3Calls calls, S3Requests requests, ConditionalWrites conditions, TimeProvider timeProvider)
    {
        (_options, _limits, _calls, _requests, _conditions) = (options, limits, calls, requests, conditions);
        (_budget, _pool) = (new BufferBudget(limits.Buffers), new BufferPool(limits.Buffers));
        (_reading, _creation) = (new UploadSource(calls.Errors), new ObjectCreation(options, calls, requests));
        _parts = new S3PartsUpload(options, limits, calls, requests, _reading, _creation, (_budget, _pool), timeProvider);
    }

    /// <exception cref="ObjectExistsException">The key is taken.</exception>
    /// <exception cref="StorageException">Nothing was stored, or (transient) it is not known.</exception>
    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var create = mode == PutMode.CreateNew;
        var retain = mode != PutMode.Renew;
        var conditional = create && await _conditions.HonouredByPutAsync(key, cancellationToken);
        var length = content.Length;
        if (create && !conditional)
        {
            await _creation.RequireAbsentAsync(key, cancellationToken);
        }

        if (length <= _options.MultipartThreshold && length <= _limits.MaxSinglePut)
        {
            await PutBufferedAsync(key, content, length, conditional, retain, cancellationToken);
            return;
        }

        var conditionalParts = conditional && await _conditions.HonouredByCompleteAsync(key, cancellationToken);
        if (conditional && !conditionalParts && length <= _limits.MaxSinglePut)
        {
            // Only a single put is decided by this store; as a stream it takes no more memory than parts do.
            await PutStreamedAsync(key, content, length, conditional, retain, cancellationToken);
            return;
        }

        await _parts.PutAsync(key, content, length, mode, conditionalParts, cancellationToken);
    }

    async Task PutBufferedAsync(string key, ObjectContent content, long length, bool conditional, bool retain, CancellationToken cancellationToken)
    {
        if (content.TryGetMemory(out var memory))
        {
            await PutOnceAsync(key, content, memory, conditional, retain, cancellationToken);
            return;
        }

        if (length > _limits.MaxBufferedPart)
        {
            await PutStreamedAsync(key, content, length, conditional, retain, cancellationToken);
            return;
        }

        using (await _budget.TakeAsync(BufferPool.SizeFor(length), cancellationToken))
        {
            var buffer = _pool.Rent((int)length);
            try
            {
                await using (var source = content.OpenRead())
                {
                    await _reading.FillAsync(key, source, buffer.AsMemory(0, (int)length), 0, length, cancellationToken);
                    await _reading.RequireEndAsync(key, source, length, cancellationToken);
                }

                await PutOnceAsync(key, content, buffer.AsMemory(0, (int)length), conditional, retain, cancellationToken);
            }
            finally
            {
                _pool.Return(buffer);
            }
        }
    }

    async Task PutOnceAsync(
        string key, ObjectContent content, ReadOnlyMemory<byte> bytes, bool conditional, bool retain, CancellationToken cancellationToken)
    {
        var md5 = S3Requests.Md5(bytes.Span);
        await using var body = UploadSource.Body(content, bytes);
        await _creation.RunAsync(key, () => _calls.RunAsync(
            "cannot put",
            key,
            async (client, token) =>
            {
                var answer = await client.PutObjectAsync(_requests.Put(key, body, bytes.Length, md5, conditional, retain), token);
                _calls.Errors.RequireTag("cannot put", key, answer.ETag);
                return answer;
            },
            cancellationToken,
            body));
    }

    async Task PutStreamedAsync(
        string key, ObjectContent content, long length, bool conditional, bool retain, CancellationToken cancellationToken)
    {
        if (content.TryGetMemory(out var memory))
        {
            await PutOnceAsync(key, content, memory, conditional, retain, cancellationToken);
            return;
        }

        // The digest goes before the bytes, so they are read twice.
        var md5 = await DigestAsync(key, content, length, cancellationToken);
        await using var source = content.OpenRead();
        await using var bytes = new ContentStream(source, length, at => _reading.WrongLength(key, length, at));
        await using var body = PacedBody.Around(bytes, content);
        try
        {
            await _creation.RunAsync(key, () => _calls.RunAsync(
                "cannot put",
                key,
                async (client, token) =>
                {
                    var answer = await client.PutObjectAsync(_requests.Put(key, body, length, md5, conditional, retain), token);
                    _calls.Errors.RequireTag("cannot put", key, answer.ETag);
                    return answer;
                },
                cancellationToken,
                body));
        }
        catch (StorageException) when (bytes.Failure is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    async Task<string> DigestAsync(string key, ObjectContent content, long length, CancellationToken cancellationToken)
    {
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        await using var source = content.OpenRead();
        var buffer = new byte[HashBuffer];
        for (var position = 0L; position < length;)
        {
            var count = (int)Math.Min(buffer.Length, length - position);
            await _reading.FillAsync(key, source, buffer.AsMemory(0, count), position, length, cancellationToken);
            md5.AppendData(buffer.AsSpan(0, count));
            position += count;
        }

        await _reading.RequireEndAsync(key, source, length, cancellationToken);
        return Convert.ToBase64String(md5.GetHashAndReset());
    }
}
