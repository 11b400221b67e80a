namespace Pitr.Storage.Testing;

/// <summary>A stream that ends or fails early, or gives one bit wrongly.</summary>
sealed class FaultyReadStream(Stream inner, long end, Exception? error, long? flip) : Stream
{
    long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var wanted = Limit(buffer.Length);
        var read = wanted == 0 ? 0 : inner.Read(buffer[..wanted]);
        Advance(buffer[..read]);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = Limit(buffer.Length);
        var read = wanted == 0 ? 0 : await inner.ReadAsync(buffer[..wanted], cancellationToken);
        Advance(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

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
