using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>Where a timeline begins.</summary>
/// <param name="Parent">The timeline it leaves.</param>
/// <param name="SwitchPoint">First position that is no longer the parent's.</param>
/// <param name="Segment">The timeline's first segment, which begins with a copy of the parent's WAL.</param>
public sealed record WalBranch(Timeline Parent, Lsn SwitchPoint, WalSegmentName Segment);
