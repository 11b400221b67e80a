namespace Pitr.Format.Wal;

/// <summary>One line of a timeline history: WAL below <paramref name="SwitchPoint"/> lies on <paramref name="Parent"/>.</summary>
/// <param name="Parent">The timeline that was left.</param>
/// <param name="SwitchPoint">First position that is no longer on the parent.</param>
/// <param name="Reason">PostgreSQL's remark, e.g. "no recovery target specified"; may be empty.</param>
public sealed record TimelineHistoryEntry(Timeline Parent, Lsn SwitchPoint, string Reason);
