namespace Pitr.Storage.Testing;

/// <summary>A stream that stops in the middle, as that of a server does that has died without closing its connection.</summary>
sealed class StallingReadStream(Stream inner, long end, Task released) : ForwardReadStream
{
    long _position;

    public override int Read(Span<byte> buffer) =>
        throw new NotSupportedException("nobody could end a read that waits for a server; use ReadAsync");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position == end)
        {
            await released.WaitAsync(cancellationToken);
        }

        var wanted = released.IsCompleted ? buffer.Length : (int)Math.Min(buffer.Length, end - _position);
        var read = await inner.ReadAsync(buffer[..wanted], cancellationToken);
        _position += read;
        return read;
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
