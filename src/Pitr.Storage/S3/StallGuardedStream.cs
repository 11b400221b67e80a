namespace Pitr.Storage.S3;

/// <summary>
/// A connection on which nothing may hang: a read or write that moves no byte for the given time fails with a <see cref="TimeoutException"/>
/// inside an <see cref="IOException"/>. Reads must not overlap reads, nor writes writes.
/// </summary>
/// <param name="inner">The connection, whose synchronous time limits are set already.</param>
/// <param name="limit">The time.</param>
/// <param name="timeProvider">The clock.</param>
sealed class StallGuardedStream(Stream inner, TimeSpan limit, TimeProvider timeProvider) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = inner.ReadAsync(buffer, CancellationToken.None);
        // Bytes that are there already cost no timer.
        return reading.IsCompleted
            ? await reading
            : await WithinAsync(reading.AsTask(), "sent", cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var writing = inner.WriteAsync(buffer, CancellationToken.None);
        if (writing.IsCompleted)
        {
            await writing;
            return;
        }

        await WithinAsync(CountAsync(writing), "took", cancellationToken);

        static async Task<int> CountAsync(ValueTask task)
        {
            await task;
            return 0;
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    async Task<int> WithinAsync(Task<int> moving, string verb, CancellationToken cancellationToken)
    {
        try
        {
            return await moving.WaitAsync(limit, timeProvider, cancellationToken);
        }
        catch (Exception failure) when (failure is TimeoutException or OperationCanceledException && !moving.IsCompleted)
        {
            // The socket still owns the buffer: only closing it gives the buffer back before anybody else may use it.
            await inner.DisposeAsync();
            await moving.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            if (failure is TimeoutException)
            {
                throw new IOException($"the peer {verb} no byte for {limit.TotalSeconds:0.#} s", failure);
            }

            throw;
        }
    }
}
