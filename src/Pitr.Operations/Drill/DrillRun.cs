using System.Globalization;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Drill;

/// <summary>
/// Proves that a service can be recovered: restores it to scratch, replays, promotes, checks, times every phase, and holds the result
/// against the objectives. Never touches the live cluster; the scratch cluster neither archives nor replicates nor listens on a port.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="handler">Answers the scratch cluster's restore_command.</param>
/// <param name="commands">Writes its restore_command.</param>
public sealed class DrillRun(PostgresService service, ArchiveRequestHandler handler, ArchiveCommandLine commands)
{
    // Wins over everything in the restored configuration: a copy must not act as if it were the original.
    static readonly Dictionary<string, string> Isolation = new(StringComparer.Ordinal)
    {
        ["archive_mode"] = "off",
        ["primary_conninfo"] = "",
        ["primary_slot_name"] = "",
        ["max_logical_replication_workers"] = "0",
        ["shared_preload_libraries"] = "",
        ["session_preload_libraries"] = "",
        ["local_preload_libraries"] = "",
        ["ssl"] = "off",
        ["hot_standby"] = "on",
        ["synchronous_standby_names"] = "",
    };

    readonly List<DrillPhase> _phases = [];
    readonly List<DrillCheck> _checks = [];
    readonly List<string> _failures = [];
    long _phaseStarted;

    /// <summary>Does the drill. A recovery that fails is a report with a verdict, not an exception.</summary>
    /// <param name="request">What to recover to.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Ends the drill; scratch is cleaned up.</param>
    /// <exception cref="StorageException">The report could not be stored.</exception>
    public async Task<DrillReport> RunAsync(RestoreRequest request, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var requested = service.Clock.GetUtcNow();
        var started = service.Clock.GetTimestamp();
        var live = await RecoveryPoint.ReadLiveServerAsync(service, request.Target, cancellation);
        using var scratch = DrillScratch.Create(service);
        var report = new DrillReport
        {
            Id = new BackupId(requested).ToString(),
            Service = service.Name.ToString(),
            Host = Environment.MachineName,
            Requested = requested,
            Target = request.Target.ToString(),
            Verdict = "failed",
            Failures = _failures,
            RtoObjectiveSeconds = service.Settings.Objectives.Rto.TotalSeconds,
            RpoObjectiveSeconds = service.Settings.Objectives.Rpo.TotalSeconds,
            Phases = _phases,
            Checks = _checks,
        };
        try
        {
            report = await RecoverAsync(report, request, scratch, started, live, progress, cancellation);
        }
        catch (Exception e) when (e is OperationException or ServerException or StorageException)
        {
            _failures.Add(e.Message);
        }

        report = Judge(report);
        await StoreAsync(report, cancellation);
        return report;
    }

    // A repository that is down is a reason to drill without it, not to lose the report.
    async Task StoreAsync(DrillReport report, CancellationToken cancellation)
    {
        var json = ObjectContent.FromMemory(report.ToJson());
        var stored = 0;
        var answered = service.Repositories.Answered;
        await Task.WhenAll(service.Repositories.Stores.Where(store => answered.Contains(store.Name)).Select(async store =>
        {
            try
            {
                await store.PutAsync(RepositoryLayout.DrillReport(service.Name, report.Id), json, PutMode.Replace, cancellation);
                Interlocked.Increment(ref stored);
            }
            catch (StorageException e)
            {
                service.Log.Warning("repository {Repository} did not take the drill's report: {Reason}", store.Name, e.Message);
            }
        }));
        if (stored == 0)
        {
            throw new RepositoryUnavailableException($"no repository took the report of drill {report.Id}, which {report.Verdict}", "`pitr check` shows what works");
        }
    }

    async Task<DrillReport> RecoverAsync(
        DrillReport report, RestoreRequest request, DrillScratch scratch, long started, RecoveryPoint.LiveServer? live, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        Begin(progress, "planning");
        var plan = await new RestorePlanner(service).PlanAsync(request, cancellation);
        report = report with
        {
            Backup = plan.Backup.Id,
            DamagedPages = plan.Backup.DamagedPages,
            Damage = plan.Backup.Damage,
            RestoredBytes = plan.RestoredBytes,
            FetchedBytes = plan.FetchBytes,
            WalSegments = plan.WalSegments,
        };
        End("plan");

        Begin(progress, "restoring files");
        var options = new RestoreOptions(RecoveryAction.Promote, commands.Get(service.Name.ToString()), ArchiveOff: true) { Tablespaces = TablespaceMap.Below(scratch.Tablespaces) };
        await new ClusterRestore(service).RunAsync(plan, scratch.Data, options, progress, cancellation);
        End("fetch");

        Begin(progress, "replaying WAL");
        await using var recovering = RecoveryServer.Start(
            service, plan.Backup, new RecoveryServerOptions(scratch.Data, scratch.Sockets, 0, scratch.Log, Isolation, OwnConfiguration: true), handler, commands);
        var server = recovering.Server;
        await server.WaitUntilRecoveryEndsAsync(
            state => progress?.Report(new RestoreProgress($"replaying WAL {state.LastRestored}", plan.RestoredBytes, plan.RestoredBytes)), cancellation);
        End("replay");

        Begin(progress, "starting");
        await server.WaitUntilAcceptingAsync(cancellation);
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString(), cancellation);
        report = report with { RtoSeconds = service.Clock.GetElapsedTime(started).TotalSeconds };
        End("start");

        var replayed = await session.ReadReplayAsync(cancellation);
        var rpo = RecoveryPoint.Measure(plan, replayed, live, report.Requested, WalSegmentSize.From(plan.Backup.WalSegmentSize));
        report = report with { LastRecoveredCommit = replayed.LastTransaction, RpoSeconds = rpo.Seconds, RpoBasis = rpo.Basis };
        Begin(progress, "checking");
        await new ClusterChecks(service, _checks).RunAsync(recovering.Server, session, cancellation);
        End("check");
        return report;
    }

    DrillReport Judge(DrillReport report)
    {
        if (report.RtoSeconds > report.RtoObjectiveSeconds)
        {
            _failures.Add(string.Create(CultureInfo.InvariantCulture, $"RTO {report.RtoSeconds:0.0} s misses the objective of {report.RtoObjectiveSeconds:0} s"));
        }

        if (report.RpoSeconds > report.RpoObjectiveSeconds)
        {
            _failures.Add(string.Create(CultureInfo.InvariantCulture, $"RPO {report.RpoSeconds:0.0} s misses the objective of {report.RpoObjectiveSeconds:0} s"));
        }

        _failures.AddRange(_checks.Where(c => !c.Passed).Select(c => $"{c.Name}: {c.Detail}"));
        return report with { Verdict = _failures.Count == 0 ? "passed" : "failed" };
    }

    void Begin(IProgress<RestoreProgress>? progress, string what)
    {
        _phaseStarted = service.Clock.GetTimestamp();
        progress?.Report(new RestoreProgress(what, 0, 0));
    }

    void End(string phase) => _phases.Add(new DrillPhase(phase, service.Clock.GetElapsedTime(_phaseStarted).TotalSeconds));
}
