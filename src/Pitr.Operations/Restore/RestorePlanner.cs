using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Restore;

/// <summary>
/// Finds out how a moment can be had back, and refuses what is impossible before the first byte is fetched, naming the nearest
/// moment that is possible.
/// </summary>
public sealed class RestorePlanner(PostgresService service)
{
    // Looking through each costs a look at some of its WAL.
    const int MostBranches = 8;

    readonly WalArchive _archive = new(service);

    /// <summary>Makes the plan.</summary>
    /// <exception cref="ImpossiblePlanException">There is no way to the target from what is stored.</exception>
    /// <exception cref="Pitr.Storage.StorageException">Too few repositories could be asked: no plan is made from a guess.</exception>
    /// <exception cref="RepositoryUnavailableException">There is no way from what answered; what did not may hold one.</exception>
    public async Task<RestorePlan> PlanAsync(RestoreRequest request, CancellationToken cancellation)
    {
        try
        {
            return await PlanFromAnsweredAsync(request, cancellation) with { Repositories = service.Repositories.Answered };
        }
        catch (ImpossiblePlanException e) when (service.Repositories.Unanswered.Count > 0)
        {
            // What is missing may lie where nobody answered.
            throw new RepositoryUnavailableException(
                $"{e.Message}; {string.Join("; ", service.Repositories.Unanswered.Select(u => $"repository {u.Key} could not be asked: {u.Value}"))}",
                $"it may hold what is missing: bring it back and try again. Without it: {e.Hint ?? "there is no way"}",
                e);
        }
    }

    async Task<RestorePlan> PlanFromAnsweredAsync(RestoreRequest request, CancellationToken cancellation)
    {
        var backups = await ReadBackupsAsync(request, cancellation);
        service.Repositories.RequireComplete();
        if (backups.Count == 0)
        {
            throw new ImpossiblePlanException(
                $"service {service.Name} has no backup in repository {service.Repositories.Names}",
                $"take one with `pitr backup {service.Name}`");
        }

        var inventory = await _archive.ListAsync(cancellation);
        service.Repositories.RequireComplete();
        var timeline = ChooseTimeline(request, backups, inventory);
        try
        {
            return await PlanOnAsync(timeline, request, backups, inventory, cancellation);
        }
        catch (ImpossiblePlanException e) when (request.Target.Kind is not (RecoveryTargetKind.Latest or RecoveryTargetKind.Immediate))
        {
            throw await FindElsewhereAsync(timeline, request, backups, inventory, cancellation) is not { } other ? e : new ImpossiblePlanException(
                e.Message, $"on timeline {other} it is possible: --target-timeline {other}. On timeline {timeline}: {e.Hint}", e);
        }
    }

    async Task<RestorePlan> PlanOnAsync(Timeline timeline, RestoreRequest request, IReadOnlyList<BackupDocument> backups, WalInventory inventory, CancellationToken cancellation)
    {
        var history = timeline.Value > 1 ? await _archive.ReadHistoryAsync(timeline, cancellation) : null;
        var path = new TimelinePath(timeline, history, inventory.SegmentSize);
        // In the order of their WAL: ids are times of a host's clock, and clocks are set back.
        var onPath = backups
            .Where(b => b.Timeline == timeline.Value || (history?.IsAncestor(new Timeline(b.Timeline), b.StopLsn) ?? false))
            .OrderBy(b => b.StopLsn)
            .ToArray();
        WalPlace? stop = null;
        if (request.Target.Kind is RecoveryTargetKind.Name or RecoveryTargetKind.Xid && onPath.Length > 0)
        {
            stop = await new WalTargetFinder(service, path, inventory).FindAsync(request.Target, onPath, cancellation);
        }

        var (backup, reason) = ChooseBackup(request, stop?.Position ?? request.Target.Lsn, onPath, timeline);
        var plan = await CompleteAsync(request.Target, stop, backup, reason, new RestoreGround(onPath, path, inventory), cancellation);
        return request.Target.Time is not { } moment ? plan : plan with
        {
            Notes = await new AbandonedBranches(service, inventory).FindAsync(moment, timeline, history, cancellation),
        };
    }

    // The newest other branch on which the target can be reached.
    async Task<Timeline?> FindElsewhereAsync(Timeline tried, RestoreRequest request, IReadOnlyList<BackupDocument> backups, WalInventory inventory, CancellationToken cancellation)
    {
        var others = inventory.Timelines.Select(t => t.Timeline).Concat(backups.Select(b => new Timeline(b.Timeline))).Distinct().Where(t => t != tried);
        foreach (var other in others.OrderDescending().Take(MostBranches))
        {
            try
            {
                await PlanOnAsync(other, request, backups, inventory, cancellation);
                return other;
            }
            catch (Exception e) when (e is OperationException)
            {
                service.Log.Debug("on timeline {Timeline} it is not possible either: {Reason}", other, e.Message);
            }
        }

        return null;
    }

    // A damaged entry makes the choice of a backup a guess; it does not matter when the backup is named.
    async Task<IReadOnlyList<BackupDocument>> ReadBackupsAsync(RestoreRequest request, CancellationToken cancellation)
    {
        var catalog = new BackupCatalog(service);
        try
        {
            return await catalog.ListAsync(cancellation);
        }
        catch (DamagedRepositoryException e) when (request.Backup is not null)
        {
            service.Log.Warning("the list of backups is incomplete: {Reason}", e.Message);
            return await catalog.FindAsync(request.Backup.Value, cancellation) is { } named ? [named] : [];
        }
    }

    static Timeline ChooseTimeline(RestoreRequest request, IReadOnlyList<BackupDocument> backups, WalInventory inventory)
    {
        switch (request.Timeline)
        {
            case "latest":
                // What was named explicitly decides; otherwise the newest branch there is.
                return inventory.Timelines.Select(t => t.Timeline).Append(new Timeline(backups.Max(b => b.Timeline))).Max();
            case "current":
                var id = request.Backup?.ToString();
                return new Timeline(backups.LastOrDefault(b => id is null || b.Id == id)?.Timeline ?? backups[^1].Timeline);
            default:
                var timeline = Timeline.Parse(request.Timeline);
                return inventory.Find(timeline) is not null || backups.Any(b => b.Timeline == timeline.Value)
                    ? timeline
                    : throw new ImpossiblePlanException(
                        $"nothing of timeline {timeline} is archived",
                        $"archived timelines: {string.Join(", ", inventory.Timelines.Select(t => t.Timeline))}");
        }
    }

    static (BackupDocument Backup, string Reason) ChooseBackup(RestoreRequest request, Lsn? stop, IReadOnlyList<BackupDocument> backups, Timeline timeline)
    {
        if (request.Backup is { } wanted)
        {
            var named = backups.FirstOrDefault(b => b.Id == wanted.ToString()) ?? throw new ImpossiblePlanException(
                $"there is no backup {wanted} that leads to timeline {timeline}",
                backups.Count == 0 ? "name another timeline with --target-timeline" : $"backups that do: {string.Join(", ", backups.Select(b => b.Id))}");
            RequireReached(request.Target, stop, [named]);
            return (named, "named on the command line");
        }

        if (backups.Count == 0)
        {
            throw new ImpossiblePlanException(
                $"no backup leads to timeline {timeline}",
                "name another timeline with --target-timeline, for example `current`");
        }

        RequireReached(request.Target, stop, backups);
        return request.Target.Kind switch
        {
            RecoveryTargetKind.Latest or RecoveryTargetKind.Immediate => (backups[^1], "the newest backup"),
            _ => (backups.Last(b => IsReached(request.Target, stop, b)), "the newest backup that ended before the target"),
        };
    }

    static bool IsReached(RecoveryTarget target, Lsn? stop, BackupDocument backup) => target.Kind switch
    {
        RecoveryTargetKind.Time => backup.StopTime <= target.Time,
        _ => stop is not { } lsn || backup.StopLsn <= lsn,
    };

    static void RequireReached(RecoveryTarget target, Lsn? stop, IReadOnlyList<BackupDocument> backups)
    {
        if (backups.Any(b => IsReached(target, stop, b)))
        {
            return;
        }

        var first = backups[0];
        throw new ImpossiblePlanException(
            $"target {target} lies before the end of the first backup that leads there ({first.Id}, consistent at {Moment(first.StopTime)}, {first.StopLsn})",
            $"the earliest possible moment is {Moment(first.StopTime)}: {(target.Kind == RecoveryTargetKind.Lsn ? $"--target-lsn {first.StopLsn}" : $"--target-time '{Moment(first.StopTime)}'")}, or --target immediate --backup {first.Id}");
    }

    async Task<RestorePlan> CompleteAsync(RecoveryTarget target, WalPlace? stopAt, BackupDocument backup, string reason, RestoreGround ground, CancellationToken cancellation)
    {
        var (path, inventory) = (ground.Path, ground.Inventory);
        var size = inventory.SegmentSize;
        var first = WalSegmentName.Parse(backup.StartWal);
        var stop = WalSegmentName.Parse(backup.StopWal).Number(size);
        var end = path.UnbrokenEnd(inventory, first);
        if (end is not { } reach || reach.Number(size) < stop)
        {
            var missing = end is null ? first : path.Segment(end.Value.Number(size) + 1);
            throw new ImpossiblePlanException(
                $"backup {backup.Id} needs WAL {backup.StartWal} to {backup.StopWal}, and {missing} is not in repository {service.Repositories.Names}",
                "without it the backup is not consistent; choose another backup with --backup");
        }

        var lastCommit = await _archive.FindLastCommitAsync(path, first, reach, size, cancellation);
        var needed = await new TargetReach(service, ground, backup, reach, lastCommit).FindLastNeededAsync(target, stopAt, cancellation);
        return new RestorePlan(
            backup,
            reason,
            target,
            path.From(new Timeline(backup.Timeline)),
            first,
            needed,
            (long)(needed.Number(size) - first.Number(size) + 1),
            lastCommit,
            backup.Packs.Sum(p => p.Size) + backup.OlderPacks.Sum(FetchedBytes) + backup.Manifest.Size,
            backup.DatabaseBytes);
    }

    // Of a pack that is used in a small part only that part is fetched; compression is taken to be the same all over.
    static long FetchedBytes(UsedPack pack) =>
        pack.UsedBytes < pack.ContentBytes / 2 ? (long)(pack.Size * ((double)pack.UsedBytes / pack.ContentBytes)) : pack.Size;

    internal static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
