namespace Pitr.Storage.Limits;

/// <summary>A stream whose reader is held back to a rate. Each read gives a slice at most and pays for what it gave.</summary>
sealed class LimitedReadStream(Stream inner, BandwidthLimit limit) : ForwardReadStream
{
    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer[..Math.Min(buffer.Length, limit.Slice)]);
        limit.Take(read);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, limit.Slice)], cancellationToken);
        await limit.TakeAsync(read, cancellationToken);
        return read;
    }

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
}
