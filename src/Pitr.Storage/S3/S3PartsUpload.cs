using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>Puts an object in parts, side by side as far as memory goes; it becomes visible with the last request. One that fails is aborted.</summary>
sealed class S3PartsUpload(
    S3Options options, S3Limits limits, S3Calls calls, S3Requests requests, UploadSource reading, ObjectCreation creation, (BufferBudget Budget, BufferPool Pool) buffers, TimeProvider timeProvider)
{
    static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(30);

    /// <inheritdoc cref="S3Upload.PutAsync"/>
    public async Task PutAsync(
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
                await creation.RequireAbsentAsync(key, cancellationToken);
            }

            await creation.RunAsync(key, () => calls.RunAsync(
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
        await reading.RequireEndAsync(key, source, length, cancellationToken);
        return parts;

        // Returns when the source may be read on; the task inside when the part is stored.
        async Task<Task<PartETag>> SendBufferedAsync(int number, long offset, int count, CancellationToken token)
        {
            var share = await buffers.Budget.TakeAsync(BufferPool.SizeFor(count), token);
            var buffer = buffers.Pool.Rent(count);
            try
            {
                await reading.FillAsync(key, source, buffer.AsMemory(0, count), offset, length, token);
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
                buffers.Pool.Return(buffer);
                share.Dispose();
            }
        }

        async Task<PartETag> SendAsync(int number, ReadOnlyMemory<byte> bytes, CancellationToken token)
        {
            var md5 = S3Requests.Md5(bytes.Span);
            await using var body = UploadSource.Body(content, bytes);
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
            await using var bytes = new ContentStream(source, count, at => reading.WrongLength(key, length, start + at));
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

    long PartSize(long length)
    {
        const long Step = 1024 * 1024;
        var least = (length + limits.MaxParts - 1) / limits.MaxParts;
        return Math.Max(options.PartSize, (least + Step - 1) / Step * Step);
    }
}
