using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>A segment that is not complete yet and lies in pieces (docs/format.md).</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Bytes">How much of it is there from its beginning on without a gap, in bytes; at least 1.</param>
public sealed record WalTail(WalSegmentName Segment, int Bytes);
