using System.Numerics;

namespace Pitr.Format.Wal;

/// <summary>
/// Size of WAL segment files, fixed by <c>initdb --wal-segsize</c>: a power of two from 1 MiB to 1 GiB
/// (IsValidWalSegSize() of PostgreSQL 15 src/include/access/xlog_internal.h). The default value of this type is PostgreSQL's default, 16 MiB.
/// </summary>
public readonly record struct WalSegmentSize
{
    /// <summary>The largest size there is, in bytes: 1 GiB.</summary>
    public const int MaximumBytes = 1 << 30;

    const int DefaultBytes = 16 << 20;

    // Kept as a difference, so that default(WalSegmentSize) equals Default.
    readonly int _difference;

    WalSegmentSize(int bytes) => _difference = bytes ^ DefaultBytes;

    /// <summary>16 MiB.</summary>
    public static WalSegmentSize Default => default;

    public int Bytes => _difference ^ DefaultBytes;

    /// <summary>Segments in 4 GiB of WAL, i.e. per value of a name's middle part: 4096 down to 4.</summary>
    public uint SegmentsPerLog => (uint)(0x1_0000_0000UL / (uint)Bytes);

    public static bool IsValid(long bytes) => bytes is >= 1 << 20 and <= 1 << 30 && BitOperations.IsPow2(bytes);

    /// <exception cref="ArgumentOutOfRangeException">Not a power of two from 1 MiB to 1 GiB.</exception>
    public static WalSegmentSize From(long bytes)
    {
        if (!IsValid(bytes))
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "WAL segment size must be a power of two from 1 MiB to 1 GiB");
        }

        return new WalSegmentSize((int)bytes);
    }

    public override string ToString() => $"{Bytes >> 20} MiB";
}
