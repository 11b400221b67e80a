using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Restore;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
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
        var record = new DrillRecord(service, request.RandomSeed is null ? request.Recovery.Target.ToString() : "random", request.RandomSeed, progress);
        var live = request.RandomSeed is null ? await RecoveryPoint.ReadLiveServerAsync(service, request.Recovery.Target, cancellation) : null;
        using var scratch = ScratchSpace.Create(service, Purpose, ScratchDirectory);
        return await record.RunAsync(() => RecoverAsync(record, request, scratch, live, progress, cancellation), cancellation);
    }

    async Task RecoverAsync(
        DrillRecord record, DrillRequest request, ScratchSpace scratch, RecoveryPoint.LiveServer? live, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        record.Begin("planning");
        var wanted = request.RandomSeed is { } seed ? await RandomTarget.ChooseAsync(service, seed, cancellation) : request.Recovery;
        record.Report = record.Report with { Target = wanted.Target.ToString() };
        var plan = await new RestorePlanner(service).PlanAsync(wanted, cancellation);
        record.Report = record.Report with
        {
            Backup = plan.Backup.Id,
            DamagedPages = plan.Backup.DamagedPages,
            Damage = plan.Backup.Damage,
            RestoredBytes = plan.RestoredBytes,
            FetchedBytes = plan.FetchBytes,
            WalSegments = plan.WalSegments,
        };
        record.End("plan");

        await using var recovery = new ScratchRecovery(service, plan, scratch, handler, commands);
        record.Begin("restoring files");
        await recovery.RestoreAsync(progress, cancellation);
        record.End("fetch");

        record.Begin("replaying WAL");
        await recovery.ReplayAsync(progress, cancellation);
        record.End("replay");

        record.Begin("starting");
        await using var session = await recovery.OpenAsync(cancellation);
        record.Report = record.Report with { RtoSeconds = record.Elapsed };
        record.End("start");

        var replayed = await session.ReadReplayAsync(cancellation);
        var rpo = RecoveryPoint.Measure(plan, replayed, live, record.Report.Requested, WalSegmentSize.From(plan.Backup.WalSegmentSize));
        record.Report = record.Report with { LastRecoveredCommit = replayed.LastTransaction, RpoSeconds = rpo.Seconds, RpoBasis = rpo.Basis };
        record.Begin("checking");
        var (counts, warnings) = await new ClusterChecks(service, recovery.Server, record.Checks, progress).RunAsync(await record.FindEarlierAsync(cancellation), cancellation);
        record.Report = record.Report with { RowCounts = counts, Warnings = warnings };
        record.End("check");
    }
}
