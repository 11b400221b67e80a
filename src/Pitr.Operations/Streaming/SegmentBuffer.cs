using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Streaming;

/// <summary>One segment as it is received: one task appends, another stores what is there.</summary>
/// <param name="name">The segment.</param>
/// <param name="memory">Room for a whole one.</param>
sealed class SegmentBuffer(WalSegmentName name, byte[] memory)
{
    int _received;

    public WalSegmentName Name => name;

    /// <summary>Bytes of a whole segment.</summary>
    public int Size => memory.Length;

    /// <summary>Bytes received from the beginning on.</summary>
    public int Received => Volatile.Read(ref _received);

    public bool IsFull => Received == memory.Length;

    /// <summary>Bytes from the beginning on that are durable as pieces. For the one who stores.</summary>
    public int Stored { get; set; }

    /// <summary>The end of the segment before, for a commit that lies in both; null when that was not received.</summary>
    public WalSegmentEdges? Before { get; set; }

    /// <summary>The commits among the bytes that were stored. For the one who stores.</summary>
    public WalCommitFollower Commits { get; } = new();

    /// <summary>Where the next bytes go. For the one who receives.</summary>
    public Memory<byte> Room => memory.AsMemory(_received);

    /// <summary>Says that so many bytes were put into <see cref="Room"/>.</summary>
    public void Advance(int count) => Volatile.Write(ref _received, _received + count);

    /// <summary>Received bytes.</summary>
    public ReadOnlyMemory<byte> Bytes(int from, int to)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, Received);
        return memory.AsMemory(from, to - from);
    }

    /// <summary>The memory, for another segment; this one is not used any more.</summary>
    public byte[] Release() => memory;
}
