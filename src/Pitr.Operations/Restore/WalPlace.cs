using Pitr.Format.Wal;

namespace Pitr.Operations.Restore;

/// <summary>Where recovery stops.</summary>
/// <param name="Position">Where the record begins that it stops at.</param>
/// <param name="Segment">The segment in which that record ends: recovery has to read it whole.</param>
readonly record struct WalPlace(Lsn Position, WalSegmentName Segment);
