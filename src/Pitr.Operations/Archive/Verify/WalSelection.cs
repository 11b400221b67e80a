using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Verify;

/// <summary>Which of the archived segments are verified: whole stretches of them, or a sample.</summary>
sealed class WalSelection
{
    readonly WalSegmentSize _size;
    readonly List<(Timeline Timeline, ulong First, ulong Last, long Index)> _stretches = [];
    readonly HashSet<long>? _sample;

    /// <summary>Chooses.</summary>
    /// <param name="inventory">What is archived.</param>
    /// <param name="first">The first number to verify on a timeline; null to leave the timeline out.</param>
    /// <param name="sample">How many; null for all.</param>
    /// <param name="random">Chooses the sample.</param>
    public WalSelection(WalInventory inventory, Func<WalTimeline, ulong?> first, int? sample, Random random)
    {
        _size = inventory.SegmentSize;
        foreach (var timeline in inventory.Timelines)
        {
            if (first(timeline) is not { } from)
            {
                continue;
            }

            foreach (var span in timeline.Spans.Where(s => s.Last.Number(_size) >= from))
            {
                var start = Math.Max(span.First.Number(_size), from);
                _stretches.Add((timeline.Timeline, start, span.Last.Number(_size), Available));
                Available += (long)(span.Last.Number(_size) - start + 1);
            }
        }

        _sample = sample < Available ? Choose(sample.Value, Available, random) : null;
        Count = _sample?.Count ?? Available;
    }

    /// <summary>How many segments there are to choose from.</summary>
    public long Available { get; }

    /// <summary>How many are chosen.</summary>
    public long Count { get; }

    /// <summary>Whether a segment is chosen.</summary>
    public bool Contains(WalSegmentName segment)
    {
        var number = segment.Number(_size);
        foreach (var stretch in _stretches)
        {
            if (stretch.Timeline == segment.Timeline && stretch.First <= number && number <= stretch.Last)
            {
                return _sample?.Contains(stretch.Index + (long)(number - stretch.First)) ?? true;
            }
        }

        return false;
    }

    /// <summary>The chosen segments, by timeline and position.</summary>
    public IEnumerable<WalSegmentName> Segments()
    {
        foreach (var (timeline, first, last, index) in _stretches)
        {
            for (var number = first; number <= last; number++)
            {
                if (_sample?.Contains(index + (long)(number - first)) ?? true)
                {
                    yield return WalSegmentName.FromNumber(timeline, number, _size);
                }
            }
        }
    }

    // In pairs, so that a sample also sees how neighbours hang together.
    static HashSet<long> Choose(int count, long available, Random random)
    {
        var chosen = new HashSet<long>();
        while (chosen.Count < count)
        {
            var at = random.NextInt64(available);
            chosen.Add(at);
            if (chosen.Count < count && at + 1 < available)
            {
                chosen.Add(at + 1);
            }
        }

        return chosen;
    }
}
