using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>The runs of one timeline in one repository, in order. Its size grows with the gaps, not with the archive.</summary>
/// <param name="keepsSizes">As for <see cref="StoredRun"/>.</param>
sealed class StoredRuns(bool keepsSizes)
{
    readonly List<StoredRun> _runs = [];

    /// <summary>In ascending order, with gaps between them.</summary>
    public IReadOnlyList<StoredRun> Runs => _runs;

    /// <summary>Adds one segment; they come in the order of their numbers, as listings do.</summary>
    /// <exception cref="InvalidOperationException">The store lists out of order.</exception>
    public void Add(ulong number, long bytes, DateTimeOffset stored)
    {
        if (_runs.Count > 0 && number <= _runs[^1].Last)
        {
            throw new InvalidOperationException($"the listing is not in order: segment {number} comes after {_runs[^1].Last}");
        }

        if (_runs.Count == 0 || number > _runs[^1].Last + 1)
        {
            _runs.Add(new StoredRun(number, keepsSizes));
        }

        _runs[^1].Add(bytes, stored);
    }

    /// <summary>Adds runs that lie behind these.</summary>
    public void Add(StoredRuns later)
    {
        foreach (var run in later._runs)
        {
            if (_runs.Count > 0 && run.First == _runs[^1].Last + 1)
            {
                _runs[^1].Add(run);
            }
            else
            {
                _runs.Add(run);
            }
        }
    }

    /// <summary>The runs as spans of names.</summary>
    public IReadOnlyList<WalSpan> ToSpans(Timeline timeline, WalSegmentSize size) =>
        [.. _runs.Select(run => Span(timeline, size, run.First, run.Last, run.Bytes, run.Newest, run.LastStored))];

    /// <summary>
    /// The runs that several repositories hold together. A segment that several hold counts once, with the size it has in one of them.
    /// </summary>
    public static IReadOnlyList<WalSpan> Union(Timeline timeline, WalSegmentSize size, IReadOnlyList<StoredRuns> repositories)
    {
        if (repositories.Count == 1)
        {
            return repositories[0].ToSpans(timeline, size);
        }

        var spans = new List<WalSpan>();
        // A stable order: what two repositories hold alike counts as the first of them has it.
        foreach (var run in repositories.SelectMany(r => r._runs).OrderBy(run => run.First))
        {
            if (spans.Count == 0 || run.First > spans[^1].Last.Number(size) + 1)
            {
                spans.Add(Span(timeline, size, run.First, run.Last, run.Bytes, run.Newest, run.LastStored));
                continue;
            }

            var span = spans[^1];
            var last = span.Last.Number(size);
            var newest = run.Newest > span.Newest ? run.Newest : span.Newest;
            spans[^1] = run.Last switch
            {
                var end when end < last => span with { Newest = newest },
                var end when end == last => span with { Newest = newest, LastStored = run.LastStored < span.LastStored ? run.LastStored : span.LastStored },
                var end => Span(timeline, size, span.First.Number(size), end, span.StoredBytes + run.BytesFrom(last + 1), newest, run.LastStored),
            };
        }

        return spans;
    }

    static WalSpan Span(Timeline timeline, WalSegmentSize size, ulong first, ulong last, long bytes, DateTimeOffset newest, DateTimeOffset lastStored) => new(
        WalSegmentName.FromNumber(timeline, first, size), WalSegmentName.FromNumber(timeline, last, size), (long)(last - first + 1), bytes, newest, lastStored);
}
