using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Operations.Restore;

/// <summary>
/// Timelines that recovery leaves aside and that have commits of their own at the moment asked for: after a restore to an earlier moment, the hours that were given up
/// lie on one. A plan for a time follows one timeline, and says so.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="inventory">What is archived.</param>
sealed class AbandonedBranches(PostgresService service, WalInventory inventory)
{
    // Empty segments of an idle cluster that are passed over.
    const ulong MostEmpty = 64;

    readonly WalArchive _archive = new(service);

    /// <summary>One sentence for each of them.</summary>
    /// <param name="moment">The moment asked for.</param>
    /// <param name="target">The timeline that recovery ends on.</param>
    /// <param name="history">Of that timeline; null when it has no ancestors.</param>
    /// <param name="cancellation">Ends the search.</param>
    public async Task<IReadOnlyList<string>> FindAsync(DateTimeOffset moment, Timeline target, TimelineHistory? history, CancellationToken cancellation)
    {
        var notes = new List<string>();
        foreach (var timeline in inventory.Timelines.Where(t => t.Timeline != target))
        {
            if (await FindForkAsync(timeline, history, cancellation) is { } fork
                && await FindCommitsAsync(timeline, fork, cancellation) is var (first, last)
                && first <= moment && moment <= last)
            {
                notes.Add(
                    $"timeline {timeline.Timeline} has commits of its own at that time, from {RestorePlanner.Moment(first)} to {RestorePlanner.Moment(last)}, which recovery along timeline {target} leaves out: "
                    + $"--target-timeline {timeline.Timeline} has them");
            }
        }

        return notes;
    }

    // Where a timeline parts from the way of recovery: where the way leaves it, or where it left its own parent.
    async Task<Lsn?> FindForkAsync(WalTimeline timeline, TimelineHistory? history, CancellationToken cancellation)
    {
        if (history?.Entries.FirstOrDefault(e => e.Parent == timeline.Timeline) is { } left)
        {
            return left.SwitchPoint;
        }

        return timeline.HasHistory && await _archive.ReadHistoryAsync(timeline.Timeline, cancellation) is { Entries: [.., var began] } ? began.SwitchPoint : null;
    }

    // The first and the last commit of a timeline behind a position; null when it has none there.
    async Task<(DateTimeOffset First, DateTimeOffset Last)?> FindCommitsAsync(WalTimeline timeline, Lsn fork, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var number = fork.Value / (ulong)size.Bytes;
        if (timeline.Spans.FirstOrDefault(s => s.Last.Number(size) >= number) is not { } span)
        {
            return null;
        }

        var path = new TimelinePath(timeline.Timeline, null, size);
        var begin = Math.Max(number, span.First.Number(size));
        DateTimeOffset? first = null;
        for (var at = begin; first is null && at <= span.Last.Number(size) && at - begin < MostEmpty; at++)
        {
            first = at == number ? await FindCommitBehindAsync(path.Segment(at), fork, cancellation) : (await _archive.ReadCommitTimesAsync(path.Segment(at), cancellation))?.First;
        }

        return first is { } known && await _archive.FindLastCommitAsync(path, path.Segment(begin), timeline.Spans[^1].Last, size, cancellation) is { } last ? (known, last) : null;
    }

    async Task<DateTimeOffset?> FindCommitBehindAsync(WalSegmentName segment, Lsn position, CancellationToken cancellation)
    {
        var content = await new ArchiveGet(service).ReadAsync(WalFileName.Parse(segment.ToString()), cancellation);
        return content is null ? null : WalSegmentEvents.Scan(content, WalSegmentHeader.Parse(content), WalEventKinds.TransactionEnds).Events
            .OfType<WalTransactionEnd>()
            .Where(e => e.IsCommit && e.Position >= position)
            .Select(e => (DateTimeOffset?)WalTime.FromMicroseconds(e.Time))
            .FirstOrDefault();
    }
}
