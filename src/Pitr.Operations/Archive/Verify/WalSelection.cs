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
        : this(inventory, first, null, new WalVerifyOptions(sample, null, null, null, 1, random), random)
    {
    }

    /// <summary>Chooses.</summary>
    /// <param name="inventory">What is archived.</param>
    /// <param name="first">The first number to verify on a timeline; null to leave the timeline out.</param>
    /// <param name="isDue">Whether a segment is to be verified at all; null: every one.</param>
    /// <param name="options">How many of those.</param>
    /// <param name="random">Chooses the sample.</param>
    public WalSelection(WalInventory inventory, Func<WalTimeline, ulong?> first, Func<WalSegmentName, bool>? isDue, WalVerifyOptions options, Random random)
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
                foreach (var (start, end) in Due(timeline.Timeline, Math.Max(span.First.Number(_size), from), span.Last.Number(_size), isDue))
                {
                    _stretches.Add((timeline.Timeline, start, end, Available));
                    Available += (long)(end - start + 1);
                }
            }
        }

        var sample = options.Sample ?? (options.Share is { } share ? (int)Math.Ceiling(Available * share) : null);
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

    IEnumerable<(ulong First, ulong Last)> Due(Timeline timeline, ulong first, ulong last, Func<WalSegmentName, bool>? isDue)
    {
        if (isDue is null)
        {
            yield return (first, last);
            yield break;
        }

        ulong? begin = null;
        for (var number = first; number <= last; number++)
        {
            if (isDue(WalSegmentName.FromNumber(timeline, number, _size)))
            {
                begin ??= number;
            }
            else if (begin is { } from)
            {
                yield return (from, number - 1);
                begin = null;
            }
        }

        if (begin is { } open)
        {
            yield return (open, last);
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
