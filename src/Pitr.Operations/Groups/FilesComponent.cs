using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;
using Pitr.Operations.Files.InPlace;
using Pitr.Operations.Repositories;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>A service of kind files in the restore of a group: a restore in place, with its own journal and its own way back.</summary>
/// <param name="service">The service.</param>
sealed class FilesComponent(FilesService service) : IComponentRestore
{
    // Null where the backup has nothing that goes back in place.
    FilesRestore? _restore;

    /// <inheritdoc/>
    public async Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var inPlace = new FilesInPlace(service);
        inPlace.RequireNone();
        var (backup, why) = await ChooseAsync(until, cancellation);
        _restore = new FilesRestore(service, backup, new FilesRestoreRequest(PathSelection.Parse([]), Directory: null, NumericOwners: false));
        var record = new ComponentRecord { Service = service.Name.Value, Kind = service.Kind, Backup = backup.Id, Phase = ComponentPhase.Waiting, InPlaceId = _restore.Id };
        if (backup.Tree is { Journal: not null, Roots.Count: 0 })
        {
            _restore = null;
            return new ComponentPlan(record, backup.Finished, 0, why, ["leave the systemd journal as it is: only journald writes it"]);
        }

        var plan = await _restore.PlanAsync(cancellation);
        await new StoredObjectReading(service).RequireAsync(BackupObjects.Of(backup), $"{service.Name}: reading backup {backup.Id}", progress, cancellation);
        var step = string.Create(
            CultureInfo.InvariantCulture,
            $"bring back what differs: {plan.New} that are not there, and {plan.Aside} in place of what is there, which is kept under names that end with {plan.AsideSuffix}; {plan.Unchanged} are as in the backup and are left alone");
        return new ComponentPlan(record, backup.Finished, plan.Bytes, why, [step])
        {
            Notes =
            [
                .. backup.Tree is { Unreadable: > 0 and var unreadable }
                    ? [string.Create(CultureInfo.InvariantCulture, $"{unreadable} files or directories could not be read when the backup was taken, and are not in it")] : Array.Empty<string>(),
                .. plan.JournalLeftOut ? ["the systemd journal in it is left out: only journald writes that"] : Array.Empty<string>(),
            ],
        };
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        // Until the end of this step: the way back takes the lock itself.
        using var inPlace = new FilesInPlace(service);
        inPlace.Lock();
        work.Enter(ComponentPhase.Restoring);
        if (_restore is not null)
        {
            await inPlace.RunAsync(_restore, Progress(work), cancellation);
        }

        work.Enter(ComponentPhase.Restored);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation) => Task.Run(() => Confirm(record), cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored) => Task.Run(() => RollBack(work));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => service.DisposeAsync();

    IReadOnlyList<string> Confirm(ComponentRecord record)
    {
        using var inPlace = new FilesInPlace(service);
        if (inPlace.Kept?.Id != record.InPlaceId)
        {
            return ["of what was there nothing is known to be kept any more"];
        }

        inPlace.Lock();
        return inPlace.RemoveOld();
    }

    // What somebody has written since is kept in any case; the rest of what was restored is in the backup.
    IReadOnlyList<string> RollBack(ComponentWork work)
    {
        using var inPlace = new FilesInPlace(service);
        inPlace.Lock();
        if (new[] { inPlace.Interrupted, inPlace.Kept }.FirstOrDefault(j => j?.Id == work.Record.InPlaceId) is not { } which)
        {
            // It has gone back by itself, or had not begun.
            return ["the files are what they were"];
        }

        return inPlace.RollBack(which, Progress(work));
    }

    async Task<(BackupDocument Backup, string Why)> ChooseAsync(DateTimeOffset? until, CancellationToken cancellation)
    {
        var all = await new BackupCatalog(service).ListAsync(cancellation);
        service.Repositories.RequireComplete();
        if (until is not { } moment)
        {
            return all.Count > 0
                ? (all[^1], "the newest")
                : throw new ImpossiblePlanException($"there is no backup of service {service.Name} yet; nothing was changed", $"take one: pitr backup {service.Name}");
        }

        return all.LastOrDefault(b => b.Finished <= moment) is { } chosen
            ? (chosen, string.Create(CultureInfo.InvariantCulture, $"the newest that had ended by then, {(moment - chosen.Finished).TotalMinutes:0.0} min before"))
            : throw new ImpossiblePlanException(
                $"no backup of service {service.Name} had ended by {moment.UtcDateTime:yyyy-MM-dd HH:mm:ss'Z'}; nothing was changed",
                all.Count == 0 ? $"take one: pitr backup {service.Name}" : $"its oldest ended at {all[0].Finished.UtcDateTime:yyyy-MM-dd HH:mm:ss'Z'}: `pitr info {service.Name}` lists them");
    }

    RestoringProgress<RestoreProgress> Progress(ComponentWork work) => new(work, p => p with { Phase = $"{service.Name}: {p.Phase}" });
}
