using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>
/// The way through the timelines to one of them: which timeline a segment number is read from. PostgreSQL reads the segment in which
/// a timeline begins from the newer one, because promotion copies what was before the switch into it.
/// </summary>
public sealed class TimelinePath
{
    readonly WalSegmentSize _size;
    readonly List<(Timeline Timeline, ulong FirstNumber)> _steps = [];

    /// <summary>Lays the path.</summary>
    /// <param name="target">The timeline it ends on.</param>
    /// <param name="history">Its history; null for a timeline without ancestors.</param>
    /// <param name="size">The cluster's segment size.</param>
    public TimelinePath(Timeline target, TimelineHistory? history, WalSegmentSize size)
    {
        _size = size;
        ulong first = 0;
        foreach (var entry in history?.Entries ?? [])
        {
            _steps.Add((entry.Parent, first));
            first = entry.SwitchPoint.Value / (ulong)size.Bytes;
        }

        _steps.Add((target, first));
    }

    /// <summary>Every timeline of the path, ascending.</summary>
    public IReadOnlyList<Timeline> Timelines => _steps.Select(s => s.Timeline).ToArray();

    /// <summary>The timelines from one on, ascending.</summary>
    public IReadOnlyList<Timeline> From(Timeline timeline) => _steps.Select(s => s.Timeline).SkipWhile(t => t != timeline).ToArray();

    /// <summary>The segment with this number on the path.</summary>
    public WalSegmentName Segment(ulong number) => WalSegmentName.FromNumber(_steps.Last(s => s.FirstNumber <= number).Timeline, number, _size);

    /// <summary>
    /// The names under which the segment with this number may be archived, in the order in which PostgreSQL asks for them: in a segment where
    /// a timeline begins that timeline's first, then its parent's, which may hold the part before the switch (XLogFileReadAnyTLI()).
    /// </summary>
    public IEnumerable<WalSegmentName> Candidates(ulong number)
    {
        var newest = _steps.FindLastIndex(s => s.FirstNumber <= number);
        yield return WalSegmentName.FromNumber(_steps[newest].Timeline, number, _size);
        if (newest > 0 && _steps[newest].FirstNumber == number)
        {
            yield return WalSegmentName.FromNumber(_steps[newest - 1].Timeline, number, _size);
        }
    }

    /// <summary>
    /// How far the archive reaches without a gap from a segment on.
    /// </summary>
    /// <param name="inventory">What is archived.</param>
    /// <param name="first">The segment to begin with.</param>
    /// <returns>The last segment of the unbroken run; null when not even the first is archived.</returns>
    public WalSegmentName? UnbrokenEnd(WalInventory inventory, WalSegmentName first)
    {
        WalSegmentName? end = null;
        for (var number = first.Number(_size); ;)
        {
            var segment = Segment(number);
            var span = inventory.Find(segment.Timeline)?.Spans.FirstOrDefault(s => s.First.CompareTo(segment) <= 0 && segment.CompareTo(s.Last) <= 0);
            if (span is null)
            {
                return end;
            }

            var last = Math.Min(span.Last.Number(_size), NextStep(segment.Timeline) - 1);
            end = Segment(last);
            number = last + 1;
        }
    }

    /// <summary>The first archived segment on the path after a number; null when there is none, that is, no gap.</summary>
    public WalSegmentName? FirstAfter(WalInventory inventory, ulong number) => _steps
        .SelectMany(step => inventory.Find(step.Timeline)?.Spans ?? [])
        .Where(span => span.Last.Number(_size) > number && Segment(Math.Max(span.First.Number(_size), number + 1)).Timeline == span.First.Timeline)
        .OrderBy(span => span.First.Number(_size))
        .Select(span => (WalSegmentName?)Segment(Math.Max(span.First.Number(_size), number + 1)))
        .FirstOrDefault();

    /// <summary>Numbers of the first and the last archived segment on the path; null when nothing of it is archived.</summary>
    public (ulong First, ulong Last)? Bounds(WalInventory inventory)
    {
        (ulong First, ulong Last)? bounds = null;
        foreach (var (timeline, firstNumber) in _steps)
        {
            foreach (var span in inventory.Find(timeline)?.Spans ?? [])
            {
                var first = Math.Max(span.First.Number(_size), firstNumber);
                var last = Math.Min(span.Last.Number(_size), NextStep(timeline) - 1);
                if (first <= last)
                {
                    bounds = (Math.Min(bounds?.First ?? first, first), Math.Max(bounds?.Last ?? last, last));
                }
            }
        }

        return bounds;
    }

    ulong NextStep(Timeline timeline)
    {
        var index = _steps.FindIndex(s => s.Timeline == timeline);
        return index + 1 < _steps.Count ? _steps[index + 1].FirstNumber : ulong.MaxValue;
    }
}
