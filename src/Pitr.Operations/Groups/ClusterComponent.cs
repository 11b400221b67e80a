using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Restore;
using Pitr.Operations.Restore.InPlace;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Groups;

/// <summary>A service of kind postgres in the restore of a group: a restore in place, with its own journal and its own way back.</summary>
/// <param name="service">The service.</param>
/// <param name="restoreCommand">Writes the restore_command of the restored cluster.</param>
sealed class ClusterComponent(PostgresService service, Func<PostgresService, RestorePlan, string> restoreCommand) : IComponentRestore
{
    InPlaceRestore? _inPlace;
    PreparedRestore? _prepared;

    /// <inheritdoc/>
    public async Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        _inPlace = InPlaceRestore.Open(service);
        if (_inPlace.Interrupted is { } interrupted)
        {
            throw new ImpossiblePlanException($"a restore in place of service {service.Name} was interrupted ({interrupted.Id})", $"end that one first: pitr restore {service.Name} {InPlaceRestore.Option} --roll-back");
        }

        var request = new RestoreRequest(until is { } moment ? RecoveryTarget.AtTime(moment) : RecoveryTarget.Latest);
        var plan = await new RestorePlanner(service).PlanAsync(request, cancellation);
        await _inPlace.RequirePossibleAsync(plan, RecoveryAction.Promote, cancellation);
        var options = new RestoreOptions(RecoveryAction.Promote, restoreCommand(service, plan), ArchiveOff: false) { Mode = RestoreMode.InPlace, OldDirectory = _inPlace.OldDirectory, Wal = _inPlace.Wal };
        _prepared = await new ClusterRestore(service).PrepareAsync(plan, _inPlace.Directory, options, cancellation);
        await new StoredObjectReading(service).RequireAsync(BackupObjects.Of(plan.Backup), $"{service.Name}: reading backup {plan.Backup.Id}", progress, cancellation);
        var record = new ComponentRecord
        {
            Service = service.Name.Value, Kind = service.Kind, Backup = plan.Backup.Id, Phase = ComponentPhase.Waiting, InPlaceId = _inPlace.Id,
        };
        return new ComponentPlan(record, until ?? plan.LastCommit, plan.RestoredBytes, plan.BackupReason, [.. Steps(_inPlace)]) { Notes = plan.Notes };
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        // Until the end of this step: the way back takes the lock itself.
        using var inPlace = _inPlace!;
        inPlace.Lock();
        work.Enter(ComponentPhase.Restoring);
        var progress = new RestoringProgress<RestoreProgress>(work, p => p with { Phase = $"{service.Name}: {p.Phase}" });
        await inPlace.RunAsync(_prepared, $"{_prepared!.Plan.Target}, in a group", RecoveryAction.Promote, progress, cancellation);
        work.Enter(ComponentPhase.Restored);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation) => Task.Run(() => Confirm(record), cancellation);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored)
    {
        using var inPlace = InPlaceRestore.Open(service);
        if (inPlace.Interrupted?.Id != work.Record.InPlaceId && inPlace.Kept?.Id != work.Record.InPlaceId)
        {
            // It has gone back by itself, or had not begun.
            return [$"the cluster in {inPlace.Directory} is what it was"];
        }

        inPlace.Lock();
        return await inPlace.RollBackAsync(new RestoringProgress<RestoreProgress>(work, p => p with { Phase = $"{service.Name}: {p.Phase}" }));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _prepared?.Dispose();
        _inPlace?.Dispose();
        await service.DisposeAsync();
    }

    IReadOnlyList<string> Confirm(ComponentRecord record)
    {
        using var inPlace = InPlaceRestore.Open(service);
        if (inPlace.Kept is not { } kept || kept.Id != record.InPlaceId)
        {
            return [$"of the old cluster of {inPlace.Directory} nothing is kept any more"];
        }

        inPlace.Lock();
        string[] directories = [.. kept.Moves.Select(m => m.Aside).Where(Directory.Exists)];
        return inPlace.RemoveOld(directories) is { Count: > 0 } left
            ? throw new ConflictException($"of the old cluster could not be removed: {string.Join(", ", left)}", "remove them by hand, as root where need be")
            : [.. directories.Select(d => $"{d} is removed")];
    }

    IEnumerable<string> Steps(InPlaceRestore inPlace)
    {
        yield return $"stop the server: {service.Settings.Server.StopCommand}";
        foreach (var move in inPlace.Moves)
        {
            yield return $"move {move.Place} to {move.Aside}";
        }

        yield return $"restore into {inPlace.Directory}, start the server: {service.Settings.Server.StartCommand}, and wait until it has recovered";
    }
}
