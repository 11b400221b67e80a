using Pitr.Format.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>Where a stream of one timeline begins: always with a segment's first byte, so that whole segments can be stored.</summary>
/// <param name="Timeline">The timeline.</param>
/// <param name="Number">Number of the first segment.</param>
/// <param name="SegmentSize">The cluster's segment size.</param>
sealed record StreamStart(Timeline Timeline, ulong Number, WalSegmentSize SegmentSize)
{
    /// <summary>Bytes from the beginning of the first segment that are stored as pieces already.</summary>
    public int Held { get; init; }

    /// <summary>The last of those pieces, and a repository that holds it; null when there is none.</summary>
    public (WalPieceName Piece, IObjectStore Store)? HeldPiece { get; init; }

    /// <summary>Where the timeline ends; null for the one the server is on.</summary>
    public Lsn? End { get; init; }

    /// <summary>The first segment that the server is sure to have, where it is a later one.</summary>
    public ulong? Surely { get; init; }

    /// <summary>Position of the first byte.</summary>
    public Lsn Position => new(Number * (ulong)SegmentSize.Bytes);

    /// <summary>Bytes from the beginning of a segment that are stored as pieces already.</summary>
    public int HeldIn(WalSegmentName segment) => segment == WalSegmentName.FromNumber(Timeline, Number, SegmentSize) ? Held : 0;

    /// <summary>The same stream, from the first segment the server is sure to have.</summary>
    public StreamStart FromSurely() => new(Timeline, Surely!.Value, SegmentSize) { End = End };
}
