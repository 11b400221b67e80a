using System.Text;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Replication;

namespace Pitr.Operations.Streaming;

/// <summary>
/// Finds out where to begin: after what the repositories hold without a gap, else where the slot begins. After a promotion that may be on the old
/// timeline still, whose last segments the new primary may be the only one to have.
/// </summary>
sealed class StreamPlanner(PostgresService service)
{
    readonly StreamedFilePush _push = new(service);

    /// <summary>What to stream, one timeline after the other; the last is the server's own.</summary>
    /// <param name="receiver">A connection to the server that does not stream yet.</param>
    /// <param name="slot">The slot to use.</param>
    /// <param name="size">The cluster's segment size.</param>
    /// <param name="cleaner">Told of segments that still have pieces.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ConflictException">The repositories know a newer timeline: this is an old primary.</exception>
    public async Task<IReadOnlyList<StreamStart>> PlanAsync(
        WalReceiver receiver, ReplicationSlot slot, WalSegmentSize size, PieceCleaner cleaner, CancellationToken cancellation)
    {
        var (_, timeline, flushed) = await receiver.IdentifyAsync(cancellation);
        var known = await HeldWal.ReadTimelinesAsync(service, cancellation);
        if (known.Count > 0 && known[^1] > timeline)
        {
            throw new ConflictException(
                $"the server is on timeline {timeline}, and repository {service.Repositories.Names} knows timeline {known[^1]}: an old primary that came back?",
                "what it writes would not be part of a recovery to `latest`. Stop it, or make it a standby of the new primary; if it is the right one, the newer timeline must be removed from the repositories, or the cluster take another service name");
        }

        var restart = (slot.RestartLsn ?? flushed).Value / (ulong)size.Bytes;
        var history = timeline.Value > 1 ? await ArchiveHistoriesAsync(receiver, timeline, cancellation) : TimelineHistory.WithoutAncestors(timeline);
        var branch = history.Entries.Count > 0 ? history.Entries[^1].SwitchPoint.Value / (ulong)size.Bytes : 0;
        var sure = Math.Max(restart, branch);
        var held = await HeldWal.ReadAsync(service, timeline, size, sure, cancellation);
        await TidyAsync(held, cleaner, cancellation);
        var starts = new List<StreamStart>();
        var follows = history.Entries.Count > 0 && known.Contains(history.Entries[^1].Parent);
        if (follows && await FindParentAsync(history.Entries[^1], size, cleaner, cancellation) is { } parent)
        {
            starts.Add(parent);
        }

        starts.Add(Begin(held, follows ? branch : null, sure));
        return starts;
    }

    // A slot that was made just now, or moved by somebody else, begins behind what is held: perhaps the server still has what lies between.
    static StreamStart Begin(HeldWal held, ulong? branch, ulong sure)
    {
        var number = held.LastBefore(sure) is { } before && before >= (branch ?? 0) ? before + 1 : branch ?? sure;
        while (held.HasSegment(number))
        {
            number++;
        }

        var start = held.Begin(number);
        return number < sure ? start with { Surely = sure } : start;
    }

    // Null where the parent is stored up to the segment in which the new timeline begins, which has a copy of the parent's end in it.
    async Task<StreamStart?> FindParentAsync(
        TimelineHistoryEntry entry, WalSegmentSize size, PieceCleaner cleaner, CancellationToken cancellation)
    {
        var last = entry.SwitchPoint.Value / (ulong)size.Bytes;
        var held = await HeldWal.ReadAsync(service, entry.Parent, size, last, cancellation);
        await TidyAsync(held, cleaner, cancellation);
        return held.LastBefore(last) is { } before && before + 1 < last ? held.Begin(before + 1) with { End = entry.SwitchPoint } : null;
    }

    async Task<TimelineHistory> ArchiveHistoriesAsync(WalReceiver receiver, Timeline timeline, CancellationToken cancellation)
    {
        var content = await receiver.ReadHistoryAsync(timeline, cancellation);
        var history = TimelineHistory.Parse(timeline, Encoding.UTF8.GetString(content));
        foreach (var ancestor in history.Entries.Select(e => e.Parent).Where(t => t.Value > 1))
        {
            try
            {
                await _push.PushHistoryAsync(ancestor, await receiver.ReadHistoryAsync(ancestor, cancellation), cancellation);
            }
            catch (ServerException e)
            {
                // The server need not have it: it goes by its own history, which names all ancestors.
                service.Log.Debug("the history of timeline {Timeline} was not fetched: {Reason}", ancestor, e.Message);
            }
        }

        await _push.PushHistoryAsync(timeline, content, cancellation);
        return history;
    }

    // An agent that was killed leaves pieces of whole segments, and segments that lie in pieces only.
    async Task TidyAsync(HeldWal held, PieceCleaner cleaner, CancellationToken cancellation)
    {
        foreach (var segment in held.LeftOver())
        {
            cleaner.Clean(segment);
        }

        foreach (var segment in held.WholeInPieces())
        {
            try
            {
                using var content = await new SegmentAssembly(service).TryReadAsync(segment, cancellation);
                if (content is not null)
                {
                    await _push.PushAsync(segment, content.Memory, before: null, cancellation);
                    cleaner.Clean(segment);
                }
            }
            catch (Exception e) when (e is KeyUnavailableException or DamagedRepositoryException)
            {
                // It can be recovered from its pieces; this host cannot put them together, for want of a key.
                service.Log.Warning("{Segment} stays in pieces: {Reason}", segment, e.Message);
            }
        }
    }
}
