using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Status;

/// <summary>The newest WAL in one repository.</summary>
public sealed record NewestWal
{
    /// <summary>The last whole segment of the highest timeline that has one; null when there is none.</summary>
    public WalSegmentName? Segment { get; init; }

    /// <summary>When that was stored, by the repository's clock.</summary>
    public DateTimeOffset? Stored { get; init; }

    /// <summary>The first segment of the unbroken run that ends with <see cref="Segment"/>, looking back to the beginning of its log file only.</summary>
    public WalSegmentName? UnbrokenFrom { get; init; }

    /// <summary>The last piece of a segment behind <see cref="Segment"/> that can be reached from its beginning without a gap; null when there is none.</summary>
    public WalPieceName? Piece { get; init; }

    /// <summary>When that was stored, by the repository's clock.</summary>
    public DateTimeOffset? PieceStored { get; init; }
}
