using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>
/// Asks a server of PostgreSQL 17 or later what has changed since the base began, so that files need not be read to find that out. If anything is missing,
/// the log says what, and pages are told by their LSN.
/// </summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="session">To its server, which is in backup mode.</param>
/// <param name="facts">About the server.</param>
sealed class SummaryReader(PostgresService service, PostgresSession session, ServerFacts facts)
{
    // Like pg_basebackup's own. An idle summarizer looks for WAL every 30 s at least; a checkpoint wakes it.
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Finds out what changed.</summary>
    /// <param name="basis">The backup that this one is compared with.</param>
    /// <param name="start">Where replay of this one begins.</param>
    /// <param name="timeline">On which timeline both do.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Null when the server cannot tell.</returns>
    public async Task<ChangedRelations?> ReadAsync(BackupBase basis, Lsn start, Timeline timeline, CancellationToken cancellation)
    {
        if (facts.MajorVersion < WalSummaries.FirstVersion)
        {
            return null;
        }

        try
        {
            var (changed, reason) = await FindAsync(basis, start, timeline, cancellation);
            if (reason is not null)
            {
                service.Log.Information("every page is read, because {Reason}", reason);
            }

            return changed;
        }
        catch (ServerException e) when (e.SqlState is not null)
        {
            // The session lives on, and with it backup mode.
            service.Log.Warning("every page is read, because the server does not tell what changed: {Reason}", e.Message);
            return null;
        }
    }

    async Task<(ChangedRelations? Changed, string? Reason)> FindAsync(BackupBase basis, Lsn start, Timeline timeline, CancellationToken cancellation)
    {
        if (!await WalSummaries.AreMadeAsync(session, cancellation))
        {
            return (null, "summarize_wal is off");
        }

        // Only on a standby without a restartpoint since. What the base copied until its end lies partly behind this backup's start then.
        if (basis.Document.StopLsn > start)
        {
            return (null, $"backup {basis.Document.Id} ended at {basis.Document.StopLsn}, behind this one's start at {start}");
        }

        var cover = await WaitAsync(timeline, basis.StartLsn, start, cancellation);
        if (cover.End < start)
        {
            return (null, $"WAL summaries of timeline {timeline} are missing from {cover.End} on; {basis.StartLsn} to {start} would be needed");
        }

        var changed = new ChangedRelations();
        foreach (var summary in cover.Summaries)
        {
            await WalSummaries.ReadContentsAsync(session, summary, changed.Add, cancellation);
            if (changed.IsFull)
            {
                return (null, "more relations have changed than can be kept in memory");
            }
        }

        service.Log.Information("{Count} WAL summaries tell what changed since {Start}; nothing else is read", cover.Summaries.Count, basis.StartLsn);
        return (changed, null);
    }

    // The summarizer ends a summary where a checkpoint's replay begins, so one ends exactly at this backup's start, a moment later.
    async Task<SummaryCover> WaitAsync(Timeline timeline, Lsn from, Lsn to, CancellationToken cancellation)
    {
        var began = service.Clock.GetTimestamp();
        for (var pause = Pause; ; pause = pause < LongestPause ? pause * 2 : LongestPause)
        {
            // In this order: what is summarized when it is asked for is on disk when it is listed.
            var (summarizedTimeline, summarized) = await WalSummaries.ReadStateAsync(session, cancellation);
            var cover = SummaryCover.Find(await WalSummaries.ReadAvailableAsync(session, timeline, cancellation), timeline, from, to);
            // A gap before the place where the summarizer is stays one.
            var mayCome = summarizedTimeline < timeline.Value || (summarizedTimeline == timeline.Value && summarized <= cover.End);
            if (cover.End >= to || !mayCome || service.Clock.GetElapsedTime(began) > Deadline)
            {
                return cover;
            }

            await Task.Delay(pause, service.Clock, cancellation);
        }
    }
}
