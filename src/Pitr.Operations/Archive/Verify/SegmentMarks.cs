using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Verify;

/// <summary>The marks of the segments of one repository, 8 bytes for each, in the order in which a listing gives them.</summary>
/// <param name="size">The cluster's segment size.</param>
sealed class SegmentMarks(WalSegmentSize size)
{
    readonly Dictionary<Timeline, List<(ulong First, List<ulong> Marks)>> _runs = [];

    /// <summary>Adds one.</summary>
    public void Add(WalSegmentName segment, ulong mark)
    {
        var number = segment.Number(size);
        if (!_runs.TryGetValue(segment.Timeline, out var runs))
        {
            _runs.Add(segment.Timeline, runs = []);
        }

        if (runs.Count == 0 || runs[^1].First + (ulong)runs[^1].Marks.Count != number)
        {
            runs.Add((number, []));
        }

        runs[^1].Marks.Add(mark);
    }

    /// <summary>The mark of a segment; null when it was not listed.</summary>
    public ulong? Find(WalSegmentName segment)
    {
        var number = segment.Number(size);
        foreach (var (first, marks) in _runs.GetValueOrDefault(segment.Timeline, []))
        {
            if (number >= first && number - first < (ulong)marks.Count)
            {
                return marks[(int)(number - first)];
            }
        }

        return null;
    }
}
