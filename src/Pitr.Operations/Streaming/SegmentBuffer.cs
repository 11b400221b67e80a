using System.Buffers;
using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Streaming;

/// <summary>One segment as it is received: one task appends, another stores what is there.</summary>
sealed class SegmentBuffer(WalSegmentName name, int size) : IDisposable
{
    byte[]? _bytes = ArrayPool<byte>.Shared.Rent(size);
    int _received;

    public WalSegmentName Name => name;

    /// <summary>Bytes of a whole segment.</summary>
    public int Size => size;

    /// <summary>Bytes received from the beginning on.</summary>
    public int Received => Volatile.Read(ref _received);

    public bool IsFull => Received == size;

    /// <summary>Bytes from the beginning on that are durable as pieces. For the one who stores.</summary>
    public int Stored { get; set; }

    /// <summary>The end of the segment before, for a commit that lies in both; null when that was not received.</summary>
    public WalSegmentEdges? Before { get; set; }

    /// <summary>Where the next bytes go. For the one who receives.</summary>
    public Memory<byte> Room => _bytes.AsMemory(_received, size - _received);

    /// <summary>Says that so many bytes were put into <see cref="Room"/>.</summary>
    public void Advance(int count) => Volatile.Write(ref _received, _received + count);

    /// <summary>Received bytes.</summary>
    public ReadOnlyMemory<byte> Bytes(int from, int to)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, Received);
        return _bytes.AsMemory(from, to - from);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
