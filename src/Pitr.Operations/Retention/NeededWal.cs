using Pitr.Format.Catalog;
using Pitr.Format.Wal;

namespace Pitr.Operations.Retention;

/// <summary>
/// Which archived segments are needed: those that make a kept backup consistent, and everything from the window's anchors on, along every path that a timeline of the window may have taken.
/// </summary>
public sealed class NeededWal
{
    readonly List<(Timeline Timeline, ulong From, ulong To)> _ranges = [];

    NeededWal(WalSegmentSize size) => Size = size;

    /// <summary>The cluster's segment size.</summary>
    public WalSegmentSize Size { get; }

    /// <summary>Finds out what is needed.</summary>
    /// <param name="backups">The backups that stay.</param>
    /// <param name="timelines">What the archive says, as of now.</param>
    /// <param name="rules">The rules of the window.</param>
    /// <returns>Null when nothing may be called needless: there is no backup, or they are of several clusters.</returns>
    public static NeededWal? Find(IReadOnlyList<BackupDocument> backups, IReadOnlyList<TimelineTrace> timelines, RetentionRules rules)
    {
        ArgumentNullException.ThrowIfNull(backups);
        ArgumentNullException.ThrowIfNull(timelines);
        ArgumentNullException.ThrowIfNull(rules);
        if (backups.Select(b => (b.SystemIdentifier, b.WalSegmentSize)).Distinct().Count() != 1)
        {
            return null;
        }

        var needed = new NeededWal(WalSegmentSize.From(backups[0].WalSegmentSize));
        foreach (var backup in backups)
        {
            needed._ranges.Add((new Timeline(backup.Timeline), WindowBranch.StartOf(backup), WindowBranch.StopOf(backup)));
        }

        foreach (var branch in rules.Judge(backups, timelines).Branches)
        {
            needed.Add(branch, timelines);
        }

        return needed;
    }

    /// <summary>Whether a segment is needed.</summary>
    public bool Contains(WalSegmentName segment) =>
        segment.IsValidFor(Size) && segment.Number(Size) is var number && _ranges.Exists(r => r.Timeline == segment.Timeline && r.From <= number && number <= r.To);

    /// <summary>The parts of a run of one timeline that are not needed, in order; bounds are inclusive.</summary>
    public IEnumerable<(ulong First, ulong Last)> Needless(Timeline timeline, ulong first, ulong last)
    {
        var next = first;
        foreach (var (_, from, to) in _ranges.Where(r => r.Timeline == timeline).OrderBy(r => r.From))
        {
            if (from > next && next <= last)
            {
                yield return (next, Math.Min(last, from - 1));
            }

            if (to >= next)
            {
                // Behind a range without end nothing follows.
                if (to == ulong.MaxValue)
                {
                    yield break;
                }

                next = to + 1;
            }
        }

        if (next <= last)
        {
            yield return (next, last);
        }
    }

    // A branch without a backup before it may be waiting for its first one: nothing of it is needless.
    void Add(WindowBranch branch, IReadOnlyList<TimelineTrace> timelines)
    {
        _ranges.Add((branch.Timeline, branch.StandsAlone ? branch.From!.Value : 0, ulong.MaxValue));
        if (branch.StandsAlone || branch.From is not { } from)
        {
            return;
        }

        foreach (var older in timelines.Where(t => t.Timeline < branch.Timeline))
        {
            _ranges.Add((older.Timeline, from, branch.First));
        }
    }
}
