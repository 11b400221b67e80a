using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>
/// Lists the archive and reads a few headers beside it: the last commits, and those around each gap. Without an identity, or where an object
/// cannot be read, it says less and does not fail.
/// </summary>
/// <param name="service">The service.</param>
public sealed class WalOverviewReader(PostgresService service)
{
    // Idle segments hold no commits; further from a gap than this a commit says little about it.
    const int SegmentsSearched = 64;

    readonly WalArchive _archive = new(service);

    /// <summary>Reads it.</summary>
    /// <exception cref="ImpossiblePlanException">Nothing is archived.</exception>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    public async Task<WalOverview> ReadAsync(CancellationToken cancellation)
    {
        var inventory = await _archive.ListAsync(cancellation);
        var (histories, unknown) = await ReadHistoriesAsync(inventory, cancellation);
        var gaps = new List<DatedWalGap>();
        foreach (var gap in WalContinuity.Gaps(inventory, histories))
        {
            gaps.Add(new DatedWalGap(gap, await CommitBeforeAsync(inventory, gap, cancellation), await CommitAfterAsync(inventory, gap, cancellation)));
        }

        var commits = new Dictionary<Timeline, DateTimeOffset>();
        foreach (var timeline in inventory.Timelines.Where(t => t.Spans.Count > 0))
        {
            var span = timeline.Spans[^1];
            if (await SearchAsync(inventory, span.Last, span, -1, cancellation) is { } times)
            {
                commits[timeline.Timeline] = times.Last;
            }
        }

        return new WalOverview(inventory, Branches(inventory, histories), unknown, gaps, commits);
    }

    async Task<(Dictionary<Timeline, TimelineHistory> Histories, string? Unknown)> ReadHistoriesAsync(WalInventory inventory, CancellationToken cancellation)
    {
        var histories = new Dictionary<Timeline, TimelineHistory>();
        string? unknown = null;
        foreach (var timeline in inventory.Timelines.Where(t => t.HasHistory))
        {
            try
            {
                if (await _archive.ReadHistoryAsync(timeline.Timeline, cancellation) is { } history)
                {
                    histories[timeline.Timeline] = history;
                }
            }
            catch (Exception e) when (e is OperationException or StorageException or FormatException)
            {
                unknown ??= $"{timeline.Timeline.Hex}.history: {e.Message}";
            }
        }

        return (histories, unknown);
    }

    static Dictionary<Timeline, WalBranch> Branches(WalInventory inventory, Dictionary<Timeline, TimelineHistory> histories) => histories
        .Select(h => (h.Key, Branch: WalContinuity.Branch(h.Value, inventory.SegmentSize)))
        .Where(b => b.Branch is not null)
        .ToDictionary(b => b.Key, b => b.Branch!);

    // Before a branch, the parent's run; the first of a timeline follows a run of another one.
    async Task<DateTimeOffset?> CommitBeforeAsync(WalInventory inventory, WalGap gap, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var number = gap.First.Number(size);
        var before = inventory.Timelines.Where(t => t.Timeline <= gap.First.Timeline)
            .SelectMany(t => t.Spans)
            .Where(s => s.Last.Number(size) + 1 == number)
            .OrderByDescending(s => s.First.Timeline)
            .FirstOrDefault();
        return before is null ? null : (await SearchAsync(inventory, before.Last, before, -1, cancellation))?.Last;
    }

    async Task<DateTimeOffset?> CommitAfterAsync(WalInventory inventory, WalGap gap, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var number = gap.Last.Number(size);
        var after = inventory.Timelines.Where(t => t.Timeline >= gap.Last.Timeline)
            .SelectMany(t => t.Spans)
            .Where(s => s.First.Number(size) == number + 1)
            .OrderBy(s => s.First.Timeline)
            .FirstOrDefault();
        return after is null ? null : (await SearchAsync(inventory, after.First, after, 1, cancellation))?.First;
    }

    // The nearest segment with commits in a run, in one direction.
    async Task<(DateTimeOffset First, DateTimeOffset Last)?> SearchAsync(WalInventory inventory, WalSegmentName from, WalSpan within, int direction, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var number = (long)from.Number(size);
        for (var searched = 0; searched < SegmentsSearched && number >= (long)within.First.Number(size) && number <= (long)within.Last.Number(size); searched++)
        {
            try
            {
                if (await _archive.ReadCommitTimesAsync(WalSegmentName.FromNumber(from.Timeline, (ulong)number, size), cancellation) is { } times)
                {
                    return times;
                }
            }
            catch (Exception e) when (e is OperationException or StorageException)
            {
                // What a listing cannot tell is left out; `wal verify` says what is wrong with the object.
                return null;
            }

            number += direction;
        }

        return null;
    }
}
