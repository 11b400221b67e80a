using System.Buffers;

namespace Pitr.Format;

/// <summary>Bytes in a pooled buffer, valid until disposed.</summary>
public sealed class PooledBytes : IMemoryOwner<byte>
{
    readonly int _length;
    byte[]? _buffer;

    /// <summary>Takes a buffer over.</summary>
    /// <param name="buffer">Rented from <see cref="ArrayPool{T}.Shared"/>, at least <paramref name="length"/> bytes; given back on disposal.</param>
    /// <param name="length">How many of its bytes count.</param>
    public PooledBytes(byte[] buffer, int length)
    {
        _buffer = buffer;
        _length = length;
    }

    public Memory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(_buffer is null, this);
            return _buffer.AsMemory(0, _length);
        }
    }

    public ReadOnlySpan<byte> Span => Memory.Span;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
