using Pitr.Format.Catalog;
using Pitr.Format.Wal;

namespace Pitr.Operations.Retention;

/// <summary>A timeline with moments in the window, and what its recovery from the window's first moment on begins with.</summary>
/// <param name="Timeline">The timeline.</param>
/// <param name="First">Number of its first segment; what it branched off holds the bytes before the branch in a segment of that number.</param>
/// <param name="Anchors">
/// The newest backup before the window, of the timeline itself; or else of every older timeline that it may have branched off, one each: histories are sealed,
/// so which one it was is not known on a host without an identity. Empty when every backup it can be recovered from ended in the window.
/// </param>
/// <param name="From">The first segment that it may be recovered from, on itself or an older timeline; null when there is no backup for it.</param>
/// <param name="StandsAlone">Whether it is recovered from a backup of its own.</param>
public sealed record WindowBranch(Timeline Timeline, ulong First, IReadOnlyList<ICatalogEntry> Anchors, ulong? From, bool StandsAlone)
{
    /// <summary>Finds the branches.</summary>
    /// <param name="ordered">All backups, in the cluster's order.</param>
    /// <param name="timelines">What the archive says.</param>
    /// <param name="start">The window's first moment.</param>
    internal static IReadOnlyList<WindowBranch> Find(IReadOnlyList<DatedBackup> ordered, IReadOnlyList<TimelineTrace> timelines, DateTimeOffset start)
    {
        var known = timelines.Select(t => t.Timeline).Concat(ordered.Select(b => b.Timeline)).Distinct().Order().ToArray();
        var branches = known.Select(timeline => Make(timeline, ordered, timelines.FirstOrDefault(t => t.Timeline == timeline), start)).ToArray();
        return [.. branches.Where(branch => IsActive(branch.Timeline)
            || !branches.Any(later => later.Timeline > branch.Timeline && later.StandsAlone && IsActive(later.Timeline)))];

        // A timeline that stores nothing may be that of a server on which nothing happens, with its state to be recovered all the same. It is over only when a later
        // one is at work and recovered from a backup of its own.
        bool IsActive(Timeline timeline) =>
            timelines.Any(t => t.Timeline == timeline && t.Newest >= start) || ordered.Any(b => b.Timeline == timeline && b.End >= start);
    }

    static WindowBranch Make(Timeline timeline, IReadOnlyList<DatedBackup> ordered, TimelineTrace? trace, DateTimeOffset start)
    {
        var own = ordered.Where(b => b.Timeline == timeline).ToArray();
        var first = own.Select(b => StartOf(b.Backup)).Append(trace?.First ?? ulong.MaxValue).Min();
        if (NewestBefore(own, start) is { } anchor)
        {
            return new WindowBranch(timeline, first, [anchor.Backup], StartOf(anchor.Backup), StandsAlone: true);
        }

        // A backup that ended in the segment of the branch may have ended behind it.
        var older = ordered.Where(b => b.Timeline < timeline && StopOf(b.Backup) < first).ToArray();
        DatedBackup[] anchors = [.. older.GroupBy(b => b.Timeline).Select(t => NewestBefore(t, start)).OfType<DatedBackup>()];
        var from = (anchors.Length > 0 ? anchors : [.. older, .. own]).Select(b => StartOf(b.Backup)).ToArray();
        return new WindowBranch(timeline, first, [.. anchors.Select(a => a.Backup)], from.Length > 0 ? from.Min() : null, StandsAlone: false);
    }

    static DatedBackup? NewestBefore(IEnumerable<DatedBackup> backups, DateTimeOffset start)
    {
        var before = backups.Where(b => !b.IsFromFuture && b.End <= start).ToArray();
        return before.LastOrDefault(b => b.IsSound) ?? before.LastOrDefault();
    }

    // Dumps and files need no WAL: each stands at its own beginning.
    internal static ulong StartOf(ICatalogEntry backup) => backup is BackupDocument { StartWal.Length: > 0 } b ? WalSegmentName.Parse(b.StartWal).Number(WalSegmentSize.From(b.WalSegmentSize)) : 0;

    internal static ulong StopOf(ICatalogEntry backup) => backup is BackupDocument { StopWal.Length: > 0 } b ? WalSegmentName.Parse(b.StopWal).Number(WalSegmentSize.From(b.WalSegmentSize)) : 0;
}
