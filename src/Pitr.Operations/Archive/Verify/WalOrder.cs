using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Which segment follows which, over the branches of timelines too.</summary>
/// <param name="inventory">What is archived.</param>
/// <param name="histories">The histories that could be read; a timeline without one is taken to stand alone.</param>
sealed class WalOrder(WalInventory inventory, IReadOnlyDictionary<Timeline, TimelineHistory> histories)
{
    readonly Dictionary<Timeline, TimelinePath> _paths =
        inventory.Timelines.ToDictionary(t => t.Timeline, t => new TimelinePath(t.Timeline, histories.GetValueOrDefault(t.Timeline), inventory.SegmentSize));

    /// <summary>The segment before one, on its timeline or on the one that this branched off; null for the very first.</summary>
    public WalSegmentName? Before(WalSegmentName segment) => segment.Number(inventory.SegmentSize) is > 0 and var number ? _paths[segment.Timeline].Segment(number - 1) : null;

    /// <summary>The segments that follow one: its successor, and the first of each timeline that branches off there.</summary>
    public IEnumerable<WalSegmentName> After(WalSegmentName segment)
    {
        var size = inventory.SegmentSize;
        return _paths.Keys.Select(t => WalSegmentName.FromNumber(t, segment.Number(size) + 1, size)).Where(next => Before(next) == segment);
    }

    /// <summary>Whether a segment or one beside it is chosen: how two hang together shows only when both are read.</summary>
    public Func<WalSegmentName, bool> WithNeighbours(Func<WalSegmentName, bool> isChosen) =>
        segment => isChosen(segment) || (Before(segment) is { } before && isChosen(before)) || After(segment).Any(isChosen);
}
