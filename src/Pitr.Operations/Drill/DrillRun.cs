using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Postgres;
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
    const string Purpose = "drill";

    readonly List<DrillPhase> _phases = [];
    readonly List<DrillCheck> _checks = [];
    readonly List<string> _failures = [];
    readonly DrillHistory _history = new(service);
    DrillReport? _report;
    long _phaseStarted;

    /// <summary>Existing directory to restore into; null: the service's state directory.</summary>
    public string? ScratchDirectory { get; init; }

    /// <summary>Does the drill. A recovery that fails is a report with a verdict, not an exception.</summary>
    /// <param name="request">What to recover to.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Ends the drill without a report; scratch is cleaned up.</param>
    /// <exception cref="StorageException">The report could not be stored.</exception>
    public async Task<DrillReport> RunAsync(DrillRequest request, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        var requested = service.Clock.GetUtcNow();
        var started = service.Clock.GetTimestamp();
        var live = request.RandomSeed is null ? await RecoveryPoint.ReadLiveServerAsync(service, request.Recovery.Target, cancellation) : null;
        using var scratch = ScratchSpace.Create(service, Purpose, ScratchDirectory);
        _report = new DrillReport
        {
            Id = NewId(requested),
            Service = service.Name.ToString(),
            Host = Environment.MachineName,
            Requested = requested,
            Target = request.RandomSeed is null ? request.Recovery.Target.ToString() : "random",
            RandomSeed = request.RandomSeed,
            Verdict = "failed",
            Failures = _failures,
            RtoObjectiveSeconds = service.Settings.Objectives.Rto.TotalSeconds,
            RpoObjectiveSeconds = service.Settings.Objectives.Rpo.TotalSeconds,
            Phases = _phases,
            Checks = _checks,
        };
        try
        {
            await RecoverAsync(request, scratch, started, live, progress, cancellation);
        }
        catch (Exception e) when (IsFailedRecovery(e))
        {
            cancellation.ThrowIfCancellationRequested();
            service.Log.Information(e, "drill {Drill} failed", _report.Id);
            _failures.Add(e.Message);
        }

        _report = Judge(_report);
        await _history.StoreAsync(_report, cancellation);
        return _report;
    }

    // Hosts that drill the same service in the same second must not overwrite each other's reports.
    static string NewId(DateTimeOffset requested) => $"{new BackupId(requested)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(2))}";

    // What can go wrong with a repository, a key, a disk or PostgreSQL. Anything else is a defect of this program, and no verdict about a backup.
    static bool IsFailedRecovery(Exception e) =>
        e is OperationException or ServerException or StorageException or DamagedObjectException or UnsupportedFormatException or NpgsqlException or IOException or UnauthorizedAccessException;

    async Task RecoverAsync(
        DrillRequest request, ScratchSpace scratch, long started, RecoveryPoint.LiveServer? live, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        Begin(progress, "planning");
        var wanted = request.RandomSeed is { } seed ? await RandomTarget.ChooseAsync(service, seed, cancellation) : request.Recovery;
        _report = _report! with { Target = wanted.Target.ToString() };
        var plan = await new RestorePlanner(service).PlanAsync(wanted, cancellation);
        _report = _report with
        {
            Backup = plan.Backup.Id,
            DamagedPages = plan.Backup.DamagedPages,
            Damage = plan.Backup.Damage,
            RestoredBytes = plan.RestoredBytes,
            FetchedBytes = plan.FetchBytes,
            WalSegments = plan.WalSegments,
        };
        End("plan");

        await using var recovery = new ScratchRecovery(service, plan, scratch, handler, commands);
        Begin(progress, "restoring files");
        await recovery.RestoreAsync(progress, cancellation);
        End("fetch");

        Begin(progress, "replaying WAL");
        await recovery.ReplayAsync(progress, cancellation);
        End("replay");

        Begin(progress, "starting");
        await using var session = await recovery.OpenAsync(cancellation);
        _report = _report with { RtoSeconds = service.Clock.GetElapsedTime(started).TotalSeconds };
        End("start");

        var replayed = await session.ReadReplayAsync(cancellation);
        var rpo = RecoveryPoint.Measure(plan, replayed, live, _report.Requested, WalSegmentSize.From(plan.Backup.WalSegmentSize));
        _report = _report with { LastRecoveredCommit = replayed.LastTransaction, RpoSeconds = rpo.Seconds, RpoBasis = rpo.Basis };
        Begin(progress, "checking");
        var (counts, warnings) = await new ClusterChecks(service, recovery.Server, _checks, progress).RunAsync(await FindEarlierAsync(cancellation), cancellation);
        _report = _report with { RowCounts = counts, Warnings = warnings };
        End("check");
    }

    // Only for comparison: a history that cannot be read now does not spoil the drill.
    async Task<DrillReport?> FindEarlierAsync(CancellationToken cancellation)
    {
        try
        {
            return await _history.FindLastPassedAsync(cancellation);
        }
        catch (StorageException e)
        {
            service.Log.Warning("row counts are compared with nothing, the history of drills cannot be read: {Reason}", e.Message);
            return null;
        }
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
