using Pitr.Format.Wal;
using Pitr.Operations.Verify;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Holds timeline histories against each other and against the segments that are there.</summary>
/// <param name="inventory">What is archived.</param>
/// <param name="histories">The histories that are authentic and could be parsed.</param>
/// <param name="findings">Told what contradicts.</param>
sealed class WalHistoryCheck(WalInventory inventory, IReadOnlyDictionary<Timeline, TimelineHistory> histories, Findings findings)
{
    const string Hint = "a recovery over this branch point cannot be trusted; take a base backup on the newest timeline now";

    /// <summary>Checks.</summary>
    /// <param name="only">This timeline only; null for all.</param>
    public void Run(Timeline? only)
    {
        foreach (var timeline in inventory.Timelines.Where(t => only is null || t.Timeline == only))
        {
            if (histories.TryGetValue(timeline.Timeline, out var history))
            {
                RequireAgreement(history);
                RequireBranch(timeline, history);
            }
            else if (!timeline.HasHistory && timeline.Spans.Count > 0 && inventory.Timelines.Any(t => t.Timeline < timeline.Timeline && t.Spans.Count > 0))
            {
                Add(timeline.Timeline, "is in no repository, so that recovery cannot follow the timeline from the one before it");
            }
        }
    }

    // What a timeline's history says of its ancestors must be what theirs say.
    void RequireAgreement(TimelineHistory history)
    {
        foreach (var (entry, index) in history.Entries.Select((e, i) => (e, i)))
        {
            if (!histories.TryGetValue(entry.Parent, out var parent))
            {
                continue;
            }

            var own = history.Entries.Take(index).Select(e => (e.Parent, e.SwitchPoint)).ToArray();
            var its = parent.Entries.Select(e => (e.Parent, e.SwitchPoint)).ToArray();
            if (!own.SequenceEqual(its))
            {
                Add(history.Timeline, $"says that timeline {entry.Parent} came from {Text(own)}, its own history says {Text(its)}");
            }
        }
    }

    void RequireBranch(WalTimeline timeline, TimelineHistory history)
    {
        if (WalContinuity.Branch(history, inventory.SegmentSize) is { } branch && timeline.Spans is [var first, ..] && first.First < branch.Segment)
        {
            Add(timeline.Timeline, $"says that the timeline begins at {branch.SwitchPoint}, in segment {branch.Segment}, and {first.First} of it is archived");
        }
    }

    void Add(Timeline timeline, string text) => findings.Add(FindingKind.History, null, WalFileName.ForHistory(timeline).ToString(), text, Hint);

    static string Text((Timeline Parent, Lsn SwitchPoint)[] entries) =>
        entries.Length == 0 ? "none" : string.Join(", ", entries.Select(e => $"{e.Parent} at {e.SwitchPoint}"));
}
