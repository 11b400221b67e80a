using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>
/// Puts objects: in one request, or in parts. Memory is bounded for any size: what is in memory anyway is sent from there,
/// everything else passes through buffers of a common budget, or, where parts get too large for that, is streamed.
/// </summary>
sealed class S3Upload(S3Options options, S3Limits limits, S3Calls calls, S3Requests requests, ConditionalWrites conditions, TimeProvider timeProvider)
{
    const int HashBuffer = 128 * 1024;
    static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(30);

    readonly BufferBudget _budget = new(limits.Buffers);
    readonly BufferPool _pool = new(limits.Buffers);

    /// <exception cref="ObjectExistsException">The key is taken.</exception>
    /// <exception cref="StorageException">Nothing was stored, or (transient) it is not known.</exception>
    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var create = mode == PutMode.CreateNew;
        var retain = mode != PutMode.Renew;
        var conditional = create && await conditions.HonouredByPutAsync(key, cancellationToken);
        var length = content.Length;
        if (create && !conditional)
        {
            await RequireAbsentAsync(key, cancellationToken);
        }

        if (length <= options.MultipartThreshold && length <= limits.MaxSinglePut)
        {
            await PutBufferedAsync(key, content, length, conditional, retain, cancellationToken);
            return;
        }

        var conditionalParts = conditional && await conditions.HonouredByCompleteAsync(key, cancellationToken);
        if (conditional && !conditionalParts && length <= limits.MaxSinglePut)
        {
            // Only a single put is decided by this store; as a stream it takes no more memory than parts do.
            await PutStreamedAsync(key, content, length, conditional, retain, cancellationToken);
            return;
        }

        await PutPartsAsync(key, content, length, mode, conditionalParts, cancellationToken);
    }

    async Task PutBufferedAsync(string key, ObjectContent content, long length, bool conditional, bool retain, CancellationToken cancellationToken)
    {
        if (content.TryGetMemory(out var memory))
        {
            await PutOnceAsync(key, content, memory, conditional, retain, cancellationToken);
            return;
        }

        if (length > limits.MaxBufferedPart)
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
                    await FillAsync(key, source, buffer.AsMemory(0, (int)length), 0, length, cancellationToken);
                    await RequireEndAsync(key, source, length, cancellationToken);
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
        await using var body = Body(content, bytes);
        await CreatingAsync(key, () => calls.RunAsync(
            "cannot put",
            key,
            async (client, token) =>
            {
                var answer = await client.PutObjectAsync(requests.Put(key, body, bytes.Length, md5, conditional, retain), token);
                calls.Errors.RequireTag("cannot put", key, answer.ETag);
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
        await using var bytes = new ContentStream(source, length, at => WrongLength(key, length, at));
        await using var body = PacedBody.Around(bytes, content);
        try
        {
            await CreatingAsync(key, () => calls.RunAsync(
                "cannot put",
                key,
                async (client, token) =>
                {
                    var answer = await client.PutObjectAsync(requests.Put(key, body, length, md5, conditional, retain), token);
                    calls.Errors.RequireTag("cannot put", key, answer.ETag);
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
            await FillAsync(key, source, buffer.AsMemory(0, count), position, length, cancellationToken);
            md5.AppendData(buffer.AsSpan(0, count));
            position += count;
        }

        await RequireEndAsync(key, source, length, cancellationToken);
        return Convert.ToBase64String(md5.GetHashAndReset());
    }

    async Task PutPartsAsync(
        string key, ObjectContent content, long length, PutMode mode, bool conditional, CancellationToken cancellationToken)
    {
        var upload = await calls.RunAsync(
            "cannot begin an upload in parts",
            key,
            (client, token) => client.InitiateMultipartUploadAsync(requests.Initiate(key, retain: mode != PutMode.Renew), token),
            cancellationToken);
        try
        {
            var parts = await SendPartsAsync(key, upload.UploadId, content, length, cancellationToken);
            if (mode == PutMode.CreateNew && !conditional)
            {
                // Not atomic, as declared, but late: nearly all of the time is behind.
                await RequireAbsentAsync(key, cancellationToken);
            }

            await CreatingAsync(key, () => calls.RunAsync(
                "cannot complete the upload",
                key,
                async (client, token) =>
                {
                    var answer = await client.CompleteMultipartUploadAsync(requests.Complete(key, upload.UploadId, parts, conditional), token);
                    // Ceph leaves out the tag.
                    calls.Errors.RequireTag("cannot complete the upload", key, answer.ETag + answer.Key);
                    return answer;
                },
                cancellationToken));
            // Asked for at the beginning, too; Ceph 16 forgets it until the end.
            if (mode != PutMode.Renew && requests.Retain(key) is { } retention)
            {
                await calls.RunAsync("cannot keep the object by a retention", key, (client, token) => client.PutObjectRetentionAsync(retention, token), cancellationToken);
            }
        }
        catch
        {
            await AbortAsync(key, upload.UploadId);
            throw;
        }
    }

    async Task<List<PartETag>> SendPartsAsync(
        string key, string uploadId, ObjectContent content, long length, CancellationToken cancellationToken)
    {
        var size = PartSize(length);
        if (content.TryGetMemory(out var memory))
        {
            return await SendAllAsync(
                length, size,
                (number, offset, count, token) => Task.FromResult(SendAsync(number, memory.Slice((int)offset, count), token)),
                cancellationToken);
        }

        await using var source = content.OpenRead();
        var parts = size <= limits.MaxBufferedPart
            ? await SendAllAsync(length, size, SendBufferedAsync, cancellationToken)
            : await StreamAllAsync(key, uploadId, content, source, size, cancellationToken);
        await RequireEndAsync(key, source, length, cancellationToken);
        return parts;

        // Returns when the source may be read on; the task inside when the part is stored.
        async Task<Task<PartETag>> SendBufferedAsync(int number, long offset, int count, CancellationToken token)
        {
            var share = await _budget.TakeAsync(BufferPool.SizeFor(count), token);
            var buffer = _pool.Rent(count);
            try
            {
                await FillAsync(key, source, buffer.AsMemory(0, count), offset, length, token);
            }
            catch
            {
                Release();
                throw;
            }

            return SendAndReleaseAsync();

            async Task<PartETag> SendAndReleaseAsync()
            {
                try
                {
                    return await SendAsync(number, buffer.AsMemory(0, count), token);
                }
                finally
                {
                    Release();
                }
            }

            void Release()
            {
                _pool.Return(buffer);
                share.Dispose();
            }
        }

        async Task<PartETag> SendAsync(int number, ReadOnlyMemory<byte> bytes, CancellationToken token)
        {
            var md5 = S3Requests.Md5(bytes.Span);
            await using var body = Body(content, bytes);
            var answer = await calls.RunAsync(
                $"cannot put part {number}",
                key,
                (client, inner) => client.UploadPartAsync(requests.Part(key, uploadId, number, body, bytes.Length, md5), inner),
                token,
                body);
            return new PartETag(answer);
        }
    }

    /// <summary>Sends parts side by side. The first failure stops the others, and none is on its way any more when it is thrown.</summary>
    async Task<List<PartETag>> SendAllAsync(
        long length, long size, Func<int, long, int, CancellationToken, Task<Task<PartETag>>> send, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var slots = new SemaphoreSlim(options.PartsInParallel);
        var sending = new List<Task<PartETag>>();
        Exception? first = null;
        try
        {
            for (var offset = 0L; offset < length; offset += size)
            {
                await slots.WaitAsync(stop.Token);
                var part = await send(sending.Count + 1, offset, (int)Math.Min(size, length - offset), stop.Token);
                sending.Add(WatchAsync(part));
            }
        }
        catch (Exception failure)
        {
            // A failed part cancels the wait for the next; then the part's failure is the one to tell.
            Interlocked.CompareExchange(ref first, failure, null);
            await stop.CancelAsync();
        }

        await Task.WhenAll(sending).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (first is not null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }

        return [.. await Task.WhenAll(sending)];

        async Task<PartETag> WatchAsync(Task<PartETag> part)
        {
            try
            {
                return await part;
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref first, failure, null);
                await stop.CancelAsync();
                throw;
            }
            finally
            {
                slots.Release();
            }
        }
    }

    /// <summary>Sends parts that are too large for memory, one after the other, and checks each by the digest the store answers with.</summary>
    async Task<List<PartETag>> StreamAllAsync(
        string key, string uploadId, ObjectContent content, Stream source, long size, CancellationToken cancellationToken)
    {
        var length = content.Length;
        var parts = new List<PartETag>();
        for (var offset = 0L; offset < length; offset += size)
        {
            var number = parts.Count + 1;
            var count = Math.Min(size, length - offset);
            var start = offset;
            await using var bytes = new ContentStream(source, count, at => WrongLength(key, length, start + at));
            await using var body = PacedBody.Around(bytes, content);
            try
            {
                var answer = await calls.RunAsync(
                    $"cannot put part {number}",
                    key,
                    (client, token) => client.UploadPartAsync(requests.Part(key, uploadId, number, body, count, md5: null), token),
                    cancellationToken,
                    body);
                RequireSameDigest(key, number, answer.ETag, bytes.Md5Hex);
                parts.Add(new PartETag(answer));
            }
            catch (StorageException) when (bytes.Failure is { } failure)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            }
        }

        return parts;
    }

    void RequireSameDigest(string key, int number, string? etag, string md5)
    {
        var stored = etag?.Trim('"') ?? "";
        // With KMS keys, and on some stores, an ETag is no MD5.
        if (options.Encryption != S3Encryption.Kms && stored.Length == md5.Length && stored.All(char.IsAsciiHexDigit)
            && !stored.Equals(md5, StringComparison.OrdinalIgnoreCase))
        {
            throw calls.Errors.Error(
                key, $"part {number} arrived changed: its MD5 is {md5}, the store has {stored}", transient: true, "check the network and this host's memory");
        }
    }

    async Task AbortAsync(string key, string uploadId)
    {
        using var limit = new CancellationTokenSource(AbortLimit, timeProvider);
        try
        {
            await calls.RunAsync(
                "cannot abort the upload",
                key,
                (client, token) => client.AbortMultipartUploadAsync(requests.Abort(key, uploadId), token),
                limit.Token);
        }
        catch (Exception failure) when (failure is StorageException or OperationCanceledException)
        {
            // Parts are no object. The failure that led here is the one to report; a lifecycle rule removes what stays.
        }
    }

    async Task RequireAbsentAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            await calls.RunAsync(
                "cannot look whether it exists", key, (client, token) => client.GetObjectMetadataAsync(options.Bucket, requests.Prefix + key, token),
                cancellationToken);
        }
        catch (StorageException failure) when (failure.InnerException is Amazon.Runtime.AmazonServiceException { StatusCode: System.Net.HttpStatusCode.NotFound })
        {
            return;
        }

        throw new ObjectExistsException(calls.Errors.Repository, key);
    }

    async Task CreatingAsync<T>(string key, Func<Task<T>> request)
    {
        try
        {
            await request();
        }
        catch (StorageException failure) when (failure.InnerException is { } cause && S3Errors.IsTaken(cause))
        {
            throw new ObjectExistsException(calls.Errors.Repository, key, cause);
        }
    }

    long PartSize(long length)
    {
        const long Step = 1024 * 1024;
        var least = (length + limits.MaxParts - 1) / limits.MaxParts;
        return Math.Max(options.PartSize, (least + Step - 1) / Step * Step);
    }

    async Task FillAsync(
        string key, Stream source, Memory<byte> buffer, long position, long length, CancellationToken cancellationToken)
    {
        var read = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (read < buffer.Length)
        {
            throw WrongLength(key, length, position + read);
        }
    }

    async Task RequireEndAsync(string key, Stream source, long length, CancellationToken cancellationToken)
    {
        if (await source.ReadAsync(new byte[1], cancellationToken) > 0)
        {
            throw calls.Errors.Error(key, $"its source gives more than the {length} bytes announced", transient: false);
        }
    }

    StorageException WrongLength(string key, long announced, long found) =>
        calls.Errors.Error(key, $"its source ends after {found} of the {announced} bytes announced", transient: false);

    static Stream Body(ObjectContent content, ReadOnlyMemory<byte> bytes) => PacedBody.Around(
        MemoryMarshal.TryGetArray(bytes, out var segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false),
        content);
}
