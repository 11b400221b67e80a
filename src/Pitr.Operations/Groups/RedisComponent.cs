using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Redis.InPlace;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>A service of kind redis in the restore of a group: a restore in place, with its own journal and its own way back.</summary>
/// <param name="service">The service.</param>
sealed class RedisComponent(DumpService service) : IComponentRestore
{
    RedisInPlace? _inPlace;
    (DumpDocument Entry, DumpManifest Manifest)? _chosen;

    /// <inheritdoc/>
    public async Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        _inPlace = await RedisInPlace.OpenAsync(service, cancellation);
        var preflight = new DumpPreflight(service);
        var (entry, manifest, why) = await preflight.ChooseAsync(until, cancellation);
        _chosen = await _inPlace.PlanAsync(BackupId.Parse(entry.Id), cancellation);
        await preflight.ReadAsync(entry, manifest, progress, cancellation);
        var record = new ComponentRecord { Service = service.Name.Value, Kind = service.Kind, Backup = entry.Id, Phase = ComponentPhase.Waiting, InPlaceId = _inPlace.Id };
        return new ComponentPlan(
            record, entry.Started, entry.Bytes, why, ["stop the server", .. _inPlace.Moves.Select(m => $"move {m.Place} to {m.Aside}"), $"put the file to {_inPlace.Place}, start the server, and wait until it has loaded"]);
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        // Until the end of this step: the way back takes the lock itself.
        using var inPlace = _inPlace!;
        inPlace.Lock();
        work.Enter(ComponentPhase.Restoring);
        var (entry, manifest) = _chosen!.Value;
        await inPlace.RunAsync(entry, manifest, Progress(work), cancellation);
        work.Enter(ComponentPhase.Restored);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation)
    {
        using var inPlace = await RedisInPlace.OpenAsync(service, cancellation);
        if (RedisJournal.TryReadKept(inPlace.Directory) is not { } kept || kept.Id != record.InPlaceId)
        {
            return [$"of the old data of {inPlace.Directory} nothing is kept any more"];
        }

        inPlace.Lock();
        string[] old = [.. kept.Moves.Select(m => m.Aside)];
        inPlace.RemoveOld(new RedisInPlaceResult(null, old, []));
        return [.. old.Select(path => $"{path} is removed")];
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored)
    {
        using var inPlace = await RedisInPlace.OpenAsync(service, CancellationToken.None);
        if (RedisJournal.TryRead(inPlace.Directory)?.Id != work.Record.InPlaceId && RedisJournal.TryReadKept(inPlace.Directory)?.Id != work.Record.InPlaceId)
        {
            // It has gone back by itself, or had not begun.
            return [$"the data in {inPlace.Directory} is what it was"];
        }

        inPlace.Lock();
        return await inPlace.RollBackAsync(Progress(work));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _inPlace?.Dispose();
        await service.DisposeAsync();
    }

    RestoringProgress<DumpProgress> Progress(ComponentWork work) => new(work, p => new RestoreProgress($"{service.Name}: {p.Phase}", p.Bytes, p.TotalBytes));
}
