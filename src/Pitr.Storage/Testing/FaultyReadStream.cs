namespace Pitr.Storage.Testing;

/// <summary>A stream that ends or fails early, or gives one bit wrongly.</summary>
sealed class FaultyReadStream(Stream inner, long end, Exception? error, long? flip) : ForwardReadStream
{
    long _position;

    public override int Read(Span<byte> buffer)
    {
        var wanted = Limit(buffer.Length);
        var read = wanted == 0 ? 0 : inner.Read(buffer[..wanted]);
        Advance(buffer[..read]);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = Limit(buffer.Length);
        var read = wanted == 0 ? 0 : await inner.ReadAsync(buffer[..wanted], cancellationToken);
        Advance(buffer.Span[..read]);
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

    int Limit(int wanted)
    {
        var left = (int)Math.Min(wanted, end - _position);
        return left == 0 && wanted > 0 && error is not null ? throw error : left;
    }

    void Advance(Span<byte> read)
    {
        if (flip is { } bit && bit / 8 >= _position && bit / 8 < _position + read.Length)
        {
            read[(int)(bit / 8 - _position)] ^= (byte)(1 << (int)(bit % 8));
        }

        _position += read.Length;
    }
}
