using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>The backups of a service: those whose backup.json exists, since that file is written last.</summary>
public sealed class BackupCatalog(PostgresService service)
{
    /// <summary>Every complete backup, oldest first; each once, however many repositories hold it.</summary>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    /// <exception cref="DamagedRepositoryException">A catalog entry cannot be read in any repository.</exception>
    public async Task<IReadOnlyList<BackupDocument>> ListAsync(CancellationToken cancellation)
    {
        var holders = new SortedDictionary<string, List<IObjectStore>>(StringComparer.Ordinal);
        foreach (var (store, ids) in await service.Repositories.AskAllAsync(ListIdsAsync, cancellation))
        {
            foreach (var id in ids)
            {
                if (!holders.TryGetValue(id.ToString(), out var known))
                {
                    holders[id.ToString()] = known = [];
                }

                known.Add(store);
            }
        }

        var found = new List<BackupDocument>();
        Exception? damage = null;
        foreach (var (id, stores) in holders)
        {
            var asked = await ReadAsync(stores, BackupId.Parse(id), cancellation);
            if (asked.IsAnswered)
            {
                found.Add(asked.Answer);
            }
            else if (!asked.IsProvenAbsent)
            {
                damage ??= asked.Failure;
            }
        }

        return damage is null ? found : throw damage;
    }

    /// <summary>One backup; null when no repository has it whole.</summary>
    /// <exception cref="DamagedRepositoryException">Its entry is there and cannot be read in any repository.</exception>
    /// <exception cref="StorageException">No repository has it, and one could not be asked.</exception>
    public async Task<BackupDocument?> FindAsync(BackupId id, CancellationToken cancellation)
    {
        var asked = await ReadAsync(service.Repositories.InReadOrder, id, cancellation);
        return asked.IsAnswered ? asked.Answer : asked.IsProvenAbsent ? null : throw asked.Failure;
    }

    async Task<List<BackupId>> ListIdsAsync(IObjectStore store, CancellationToken cancellation)
    {
        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var ids = new List<BackupId>();
        var prefix = RepositoryLayout.BackupsPrefix(service.Name);
        await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix && BackupId.TryParse(item.Key[prefix.Length..].TrimEnd('/'), out var id))
            {
                ids.Add(id);
            }
        }

        return ids;
    }

    // An entry that one repository has damaged or not yet, another one may have whole.
    Task<Asked<BackupDocument>> ReadAsync(IReadOnlyList<IObjectStore> stores, BackupId id, CancellationToken cancellation) =>
        service.Repositories.AskFirstAsync(stores, (store, token) => ReadAsync(store, id, token), cancellation);

    async Task<BackupDocument> ReadAsync(IObjectStore store, BackupId id, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service.Name, id);
        var json = await store.ReadAllAsync(key, cancellation);
        try
        {
            return BackupDocument.Parse(json);
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {key} is damaged: {e.Message}",
                "bring it back from another copy of the repository; the other backups are not affected, `--backup ID` names one",
                e);
        }
    }
}
