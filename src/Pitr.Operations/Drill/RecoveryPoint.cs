using System.Globalization;
using Pitr.Format.Wal;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill;

/// <summary>
/// How much would have been lost (RPO), and how that is known. Takes the smallest bound that can be proven; an idle server must not
/// look like a lossy one, and nothing is called recovered that was not.
/// </summary>
/// <param name="Seconds">The bound; null for targets that are not moments.</param>
/// <param name="Basis">How it was found, in words.</param>
sealed record RecoveryPoint(double? Seconds, string Basis)
{
    /// <summary>Where the live server stood when the drill was asked for.</summary>
    /// <param name="Position">Written so far.</param>
    /// <param name="ArchiveTimeout">archive_timeout in seconds, 0 when off.</param>
    /// <param name="IsArchiving">A primary whose archiver's newest attempt succeeded.</param>
    public sealed record LiveServer(Lsn Position, int ArchiveTimeout, bool IsArchiving);

    /// <summary>Asks the live server; null when it cannot be asked, as after a real loss, or when the target makes it unnecessary.</summary>
    public static async Task<LiveServer?> ReadLiveServerAsync(PostgresService service, RecoveryTarget target, CancellationToken cancellation)
    {
        if (target.Kind != RecoveryTargetKind.Latest)
        {
            return null;
        }

        try
        {
            await using var session = await PostgresSession.OpenAsync(service.Settings.RevealConnection(), cancellation);
            var facts = await session.ReadFactsAsync(cancellation);
            var timeout = (await session.ReadSettingsAsync(["archive_timeout"], cancellation))["archive_timeout"].Value;
            var archiver = await session.ReadArchiverAsync(cancellation);
            return new LiveServer(facts.CurrentLsn, int.Parse(timeout, CultureInfo.InvariantCulture), !facts.InRecovery && !archiver.IsFailing);
        }
        catch (ServerException e)
        {
            service.Log.Information("the live server cannot be asked where it stands: {Reason}", e.Message);
            return null;
        }
    }

    /// <summary>Measures a finished recovery.</summary>
    /// <param name="plan">What was recovered.</param>
    /// <param name="recovered">Where replay ended.</param>
    /// <param name="live">Where the live server stood.</param>
    /// <param name="requested">When the drill was asked for.</param>
    /// <param name="size">The cluster's segment size.</param>
    public static RecoveryPoint Measure(RestorePlan plan, ReplayState recovered, LiveServer? live, DateTimeOffset requested, WalSegmentSize size)
    {
        if (plan.Target.Kind == RecoveryTargetKind.Time)
        {
            // The plan found a later commit and no gap before it, so every commit up to the target was there to be replayed.
            return new RecoveryPoint(0, "every commit up to the target was archived and replayed");
        }

        if (plan.Target.Kind != RecoveryTargetKind.Latest)
        {
            return new RecoveryPoint(null, "not measured: the target is not a moment");
        }

        if (live is not null && recovered.LastReplayed is { } end && end >= live.Position)
        {
            return new RecoveryPoint(0, $"everything the live server had written at the request ({live.Position}) was recovered");
        }

        var last = recovered.LastTransaction ?? plan.Backup.StopTime;
        var sinceLast = Math.Max(0, (requested - last).TotalSeconds);
        // The server hands over a segment with anything of weight in it after archive_timeout at the latest. So when only its current
        // segment is missing, nothing in that segment is older.
        if (live is { IsArchiving: true, ArchiveTimeout: > 0 }
            && live.ArchiveTimeout < sinceLast
            && plan.LastWal.Number(size) + 1 >= live.Position.Value / (ulong)size.Bytes)
        {
            return new RecoveryPoint(live.ArchiveTimeout, "only the live server's current segment was not archived yet, and archive_timeout bounds its age");
        }

        return new RecoveryPoint(sinceLast, recovered.LastTransaction is null
            ? "from the end of the backup, after which no commit was archived, to the request"
            : "from the last recovered commit to the request");
    }
}
