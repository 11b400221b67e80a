using Pitr.Format.Wal;

namespace Pitr.Operations.Window;

/// <summary>Any moment between two can be had back.</summary>
/// <param name="Timeline">The timeline that the WAL of the span lies on.</param>
/// <param name="From">End of the first backup in it.</param>
/// <param name="To">Last commit that can be replayed; the end of the backup when there is none after it.</param>
/// <param name="FirstBackup">The backup the span begins with.</param>
/// <param name="LastWal">Last segment before the next gap.</param>
public sealed record RecoverySpan(Timeline Timeline, DateTimeOffset From, DateTimeOffset To, string FirstBackup, WalSegmentName LastWal);
