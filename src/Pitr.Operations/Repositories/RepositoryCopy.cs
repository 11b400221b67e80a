using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// Copies what one repository lacks of another, in an order in which an interruption never leaves a lie: keys and documents first, then what
/// they open, and the entry of each backup only after everything it needs. What is there is not copied again, so repeating continues.
/// </summary>
/// <param name="source">Where from.</param>
/// <param name="destination">Where to.</param>
/// <param name="others">The other repositories of the configuration, asked where something is damaged.</param>
/// <param name="opener">Authenticates with the identity, if there is one.</param>
/// <param name="spoolDirectory">Where large objects wait while they are checked.</param>
/// <param name="clock">Source of time.</param>
public sealed class RepositoryCopy(
    IObjectStore source, IObjectStore destination, IReadOnlyList<IObjectStore> others, ObjectOpener opener, string spoolDirectory, TimeProvider clock)
{
    // For all jobs together; an object beyond its share waits in a file.
    const int MemoryLimit = 64 << 20;

    readonly List<string> _backups = [];
    readonly List<string> _heldBack = [];

    /// <summary>Called when the destination is a repository and before anything is copied; may be null.</summary>
    public Func<CancellationToken, Task>? Begins { get; init; }

    /// <summary>Copies.</summary>
    /// <param name="options">What and how.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends the work; repeating it goes on where it ended.</param>
    /// <exception cref="RepositoryUnavailableException">One of the places is no repository.</exception>
    /// <exception cref="RefusedInputException">Both are the same place, or there is no such service or backup.</exception>
    /// <exception cref="StorageException">One of the repositories could not be asked or refused, for example because it is full.</exception>
    public async Task<RepositoryCopyReport> RunAsync(RepositoryCopyOptions options, IProgress<RepositoryCopyProgress>? progress, CancellationToken cancellation)
    {
        if (string.Equals(source.Location, destination.Location, StringComparison.Ordinal))
        {
            throw new RefusedInputException($"\"{source.Name}\" and \"{destination.Name}\" are the same place, {source.Location}", "name two repositories");
        }

        await RepositorySet.RequireInitialisedAsync(source, cancellation);
        var (id, isNew) = await PrepareAsync(options, cancellation);
        var services = await ServicesAsync(options, cancellation);
        await (Begins?.Invoke(cancellation) ?? Task.CompletedTask);
        var copy = new ObjectCopy(spoolDirectory, Math.Max(1 << 20, MemoryLimit / options.Jobs));
        var transfer = new ObjectTransfer(source, id is null ? null : destination, others, copy, opener, options);
        progress?.Report(new RepositoryCopyProgress("comparing", 0, 0));
        var total = options.DryRun ? 0 : await MeasureAsync(transfer, services, options, cancellation);

        await CopyKeysAsync(transfer, services, options, Phase("keys"), cancellation);
        foreach (var service in services)
        {
            await CopyServiceAsync(transfer, service, options, Phase(service.Value), cancellation);
        }

        return Report(transfer, id, isNew);

        Action Phase(string name)
        {
            transfer.OnMoved = () => progress?.Report(new RepositoryCopyProgress($"copying {name}", transfer.CopiedBytes, total));
            return transfer.OnMoved;
        }
    }

    RepositoryCopyReport Report(ObjectTransfer transfer, string? id, bool isNew) => new()
    {
        DestinationId = id,
        Initialised = isNew,
        Copied = transfer.Copied,
        CopiedBytes = transfer.CopiedBytes,
        Present = transfer.Present,
        Unauthenticated = transfer.Unauthenticated,
        UnauthenticatedReason = transfer.Unauthenticated > 0 ? transfer.UnauthenticatedReason : null,
        Backups = _backups,
        HeldBack = _heldBack,
        Failed = transfer.Batch.Failed,
        Failures = transfer.Batch.Failures,
    };

    // A repository's id is its own: a copy of the contents is another repository.
    async Task<(string? Id, bool IsNew)> PrepareAsync(RepositoryCopyOptions options, CancellationToken cancellation)
    {
        if (options is { Initialise: true, DryRun: false })
        {
            // Also where the place itself is still to be made, so that it cannot be asked yet.
            var (made, isNew) = await RepositorySet.InitialiseAsync(destination, clock, cancellation);
            return (made.RepositoryId, isNew);
        }

        if (await RepositorySet.ReadDocumentAsync(destination, cancellation) is { } document)
        {
            return (document.RepositoryId, false);
        }

        return options.Initialise ? (null, true) : throw new RepositoryUnavailableException(
            $"repository {destination.Name} ({destination.Location}) holds no {RepositoryLayout.Repository}",
            "is the place right? give --init to make it a repository");
    }

    async Task<IReadOnlyList<ServiceName>> ServicesAsync(RepositoryCopyOptions options, CancellationToken cancellation)
    {
        var found = new List<ServiceName>();
        await foreach (var item in source.ListAsync(RepositoryLayout.ServicesPrefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix && ServiceName.TryParse(item.Key[RepositoryLayout.ServicesPrefix.Length..^1], out var name))
            {
                found.Add(name);
            }
        }

        return options.Service is not { } wanted ? found : found.Contains(wanted) ? [wanted] : throw new RefusedInputException(
            $"repository \"{source.Name}\" holds nothing of a service \"{wanted}\"",
            found.Count == 0 ? "it holds no service at all" : $"it holds {string.Join(", ", found)}");
    }

    static async Task<long> MeasureAsync(
        ObjectTransfer transfer, IReadOnlyList<ServiceName> services, RepositoryCopyOptions options, CancellationToken cancellation)
    {
        var missing = 0L;
        foreach (var service in services)
        {
            if (options.Backup is { } id)
            {
                missing += await new BackupCopy(transfer, service, id).MeasureAsync(cancellation);
                continue;
            }

            await foreach (var item in ObjectDifference.ListAsync(transfer.Source, transfer.Destination, RepositoryLayout.ServicePrefix(service), cancellation))
            {
                missing += item.SizeThere is null && RepositoryKey.Parse(item.Key).Kind != RepositoryKeyKind.Lock ? item.Size : 0;
            }
        }

        return missing;
    }

    static async Task CopyKeysAsync(
        ObjectTransfer transfer, IReadOnlyList<ServiceName> services, RepositoryCopyOptions options, Action moved, CancellationToken cancellation)
    {
        moved();
        if (options.Service is null)
        {
            await BringBelowAsync(transfer, RepositoryLayout.KeysPrefix, _ => true, cancellation);
        }

        foreach (var service in services)
        {
            var prefix = RepositoryLayout.ServiceKeysPrefix(service);
            if (options.Service is not null)
            {
                // The first copies of this service's keys, and nobody else's.
                await foreach (var item in transfer.Source.ListAsync(prefix, ListMode.Recursive, cancellation))
                {
                    if (RepositoryKey.TryParseDataKeyId(item.Key, out var id))
                    {
                        await BringIfThereAsync(transfer, RepositoryLayout.DataKey(id), cancellation);
                    }
                }
            }

            await BringBelowAsync(transfer, prefix, _ => true, cancellation);
            await BringIfThereAsync(transfer, RepositoryLayout.ServiceDocument(service), cancellation);
        }
    }

    async Task CopyServiceAsync(ObjectTransfer transfer, ServiceName service, RepositoryCopyOptions options, Action moved, CancellationToken cancellation)
    {
        moved();
        var backups = await BackupsAsync(transfer, service, options, cancellation);
        var known = backups.Select(backup => backup.Id).ToHashSet();
        if (options.Backup is not null)
        {
            // Without its histories a timeline cannot be recovered into.
            await BringBelowAsync(transfer, RepositoryLayout.WalPrefix(service), key => key.EndsWith(".history", StringComparison.Ordinal), cancellation);
        }

        foreach (var backup in backups)
        {
            if (!await backup.BringObjectsAsync(cancellation))
            {
                _heldBack.Add($"{service}/{backup.Id}");
            }
            else if (await backup.BringEntryAsync(cancellation))
            {
                _backups.Add($"{service}/{backup.Id}");
            }
        }

        if (options.Backup is null && await SweepAsync(transfer, service, known, cancellation))
        {
            // What they name is there now, all of it: an entry without its parts would be a backup that cannot be restored.
            await BringBelowAsync(transfer, RepositoryLayout.DumpsPrefix(service), key => RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DumpEntry, cancellation);
        }
    }

    // Newest first: it is the one that is wanted if the copy does not come to its end.
    static async Task<List<BackupCopy>> BackupsAsync(ObjectTransfer transfer, ServiceName service, RepositoryCopyOptions options, CancellationToken cancellation)
    {
        var prefix = RepositoryLayout.BackupsPrefix(service);
        var found = new List<BackupCopy>();
        await foreach (var item in transfer.Source.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix && BackupId.TryParse(item.Key[prefix.Length..^1], out var id) && (options.Backup is null || options.Backup == id))
            {
                var backup = new BackupCopy(transfer, service, id);
                if (await backup.ReadEntryAsync(cancellation))
                {
                    found.Add(backup);
                }
            }
        }

        found.Reverse();
        return found.Count > 0 || options.Backup is null || transfer.Batch.Failed > 0 ? found : throw new RefusedInputException(
            $"repository \"{transfer.Source.Name}\" holds no backup {options.Backup} of {service}", $"`pitr info {service}` shows which there are");
    }

    // Everything else: WAL, drills, dumps, what newer versions keep. Not locks, which mean something in their own repository only, and not
    // again what belongs to backups, which was held against its digests.
    static Task<bool> SweepAsync(ObjectTransfer transfer, ServiceName service, HashSet<BackupId> known, CancellationToken cancellation) =>
        BringBelowAsync(transfer, RepositoryLayout.ServicePrefix(service), key =>
        {
            var place = RepositoryKey.Parse(key);
            return place.Kind is not (RepositoryKeyKind.Lock or RepositoryKeyKind.Backup or RepositoryKeyKind.DumpEntry or RepositoryKeyKind.DataKey or RepositoryKeyKind.Service)
                && !(place.Kind is RepositoryKeyKind.Pack or RepositoryKeyKind.Manifest && known.Contains(place.Backup!.Value));
        }, cancellation);

    static Task<bool> BringBelowAsync(ObjectTransfer transfer, string prefix, Func<string, bool> wanted, CancellationToken cancellation) =>
        transfer.BringAsync(
            ObjectDifference.ListAsync(transfer.Source, transfer.Destination, prefix, cancellation).Where(item => wanted(item.Key)), digests: null, cancellation);

    static async Task BringIfThereAsync(ObjectTransfer transfer, string key, CancellationToken cancellation)
    {
        if (await ObjectDifference.FindAsync(transfer.Source, transfer.Destination, key, cancellation) is { } item)
        {
            await transfer.BringOneAsync(item, digests: null, cancellation);
        }
    }
}
