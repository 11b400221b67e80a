using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>Where archived WAL hangs together over its timelines, and where something is missing between what is archived.</summary>
public static class WalContinuity
{
    /// <summary>
    /// Every gap: between the runs of a timeline, and where a timeline leaves another whose WAL is archived. What was archived before the first
    /// segment, or would come after the last, is no gap.
    /// </summary>
    /// <param name="inventory">What is archived.</param>
    /// <param name="histories">The histories that could be read; a timeline without one is taken to stand alone.</param>
    public static IEnumerable<WalGap> Gaps(WalInventory inventory, IReadOnlyDictionary<Timeline, TimelineHistory> histories)
    {
        foreach (var timeline in inventory.Timelines)
        {
            foreach (var gap in AtBranch(inventory, timeline, histories.GetValueOrDefault(timeline.Timeline)))
            {
                yield return gap;
            }

            foreach (var gap in timeline.Gaps(inventory.SegmentSize))
            {
                yield return gap;
            }
        }
    }

    /// <summary>The branch of a timeline: the ancestor it leaves, where, and its first segment; null without ancestors.</summary>
    public static WalBranch? Branch(TimelineHistory? history, WalSegmentSize size) => history?.Entries is [.., var last]
        ? new WalBranch(last.Parent, last.SwitchPoint, WalSegmentName.FromNumber(history.Timeline, last.SwitchPoint.Value / (ulong)size.Bytes, size))
        : null;

    static IEnumerable<WalGap> AtBranch(WalInventory inventory, WalTimeline timeline, TimelineHistory? history)
    {
        var size = inventory.SegmentSize;
        if (timeline.Spans.Count == 0 || Branch(history, size) is not { } branch)
        {
            yield break;
        }

        // Its WAL before the branch is the parent's. What the parent wrote after it does not matter here, and gaps within the parent are its own.
        var first = branch.Segment.Number(size);
        var parent = inventory.Find(branch.Parent)?.Spans ?? [];
        var before = parent.LastOrDefault(s => s.First.Number(size) < first);
        if (before is not null && before == parent[^1] && before.Last.Number(size) + 1 < first)
        {
            yield return new WalGap(
                before.Last.Next(size), WalSegmentName.FromNumber(branch.Parent, first - 1, size), (long)(first - 1 - before.Last.Number(size)), before.LastStored);
        }

        // Who archived an ancestor archived the timeline from its beginning on.
        var ancestor = before ?? history!.Entries.Select(e => inventory.Find(e.Parent)?.Spans.LastOrDefault()).LastOrDefault(s => s is not null);
        if (ancestor is not null && timeline.Spans[0].First.Number(size) > first)
        {
            yield return new WalGap(branch.Segment, timeline.Spans[0].First.Previous(size), (long)(timeline.Spans[0].First.Number(size) - first), ancestor.LastStored);
        }
    }
}
