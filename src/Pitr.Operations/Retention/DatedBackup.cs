using Pitr.Format.Catalog;
using Pitr.Format.Wal;

namespace Pitr.Operations.Retention;

/// <summary>A backup with its place in the cluster's history.</summary>
/// <param name="Backup">The backup.</param>
/// <param name="End">The latest moment at which it can have ended: as it says itself, unless a backup that precedes it ended after that. Then it is when the next one ended.</param>
/// <param name="IsFromFuture">Its own time has not come yet: a clock was wrong.</param>
sealed record DatedBackup(BackupDocument Backup, DateTimeOffset End, bool IsFromFuture)
{
    public Timeline Timeline => new(Backup.Timeline);

    /// <summary>Whether every page of it was read rightly.</summary>
    public bool IsSound => Backup.IsSound();

    /// <summary>
    /// Orders backups: clusters by their newest backup, timelines by number (a branch has a higher one than what it branches off), then by position. Never by name or time: clocks jump.
    /// A clock that was set back makes nothing old: what says that it ended before a backup that precedes it is as young as it can be.
    /// </summary>
    /// <param name="backups">In any order.</param>
    /// <param name="now">Later times are not believed.</param>
    public static IReadOnlyList<DatedBackup> Order(IEnumerable<BackupDocument> backups, DateTimeOffset now)
    {
        var ordered = new List<DatedBackup>();
        foreach (var cluster in backups.GroupBy(b => b.SystemIdentifier, StringComparer.Ordinal).OrderBy(c => c.Max(b => b.StopTime)).ThenBy(c => c.Key, StringComparer.Ordinal))
        {
            var first = ordered.Count;
            var latest = DateTimeOffset.MinValue;
            foreach (var backup in cluster.OrderBy(b => b.Timeline).ThenBy(b => b.StopLsn).ThenBy(b => b.Id, StringComparer.Ordinal))
            {
                var isFromFuture = backup.StopTime > now;
                var isBelieved = !isFromFuture && backup.StopTime >= latest;
                latest = isBelieved ? backup.StopTime : latest;
                ordered.Add(new DatedBackup(backup, isBelieved ? latest : DateTimeOffset.MaxValue, isFromFuture));
            }

            var next = now;
            for (var i = ordered.Count - 1; i >= first; i--)
            {
                next = ordered[i].End < next ? ordered[i].End : next;
                ordered[i] = ordered[i] with { End = next };
            }
        }

        return ordered;
    }
}
