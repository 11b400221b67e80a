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
    /// <exception cref="StorageException">A repository could not be listed: the answer would be a guess.</exception>
    /// <exception cref="DamagedRepositoryException">A catalog entry cannot be read in any repository.</exception>
    public async Task<IReadOnlyList<BackupDocument>> ListAsync(CancellationToken cancellation)
    {
        var found = new SortedDictionary<string, BackupDocument>(StringComparer.Ordinal);
        var damaged = new SortedDictionary<string, DamagedRepositoryException>(StringComparer.Ordinal);
        foreach (var store in service.Repositories.Stores)
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

            foreach (var id in ids.Where(id => !found.ContainsKey(id.ToString())))
            {
                try
                {
                    if (await ReadAsync(store, id, cancellation) is { } document)
                    {
                        found[id.ToString()] = document;
                    }
                }
                catch (DamagedRepositoryException e)
                {
                    // Another repository may have it whole.
                    damaged.TryAdd(id.ToString(), e);
                }
            }
        }

        return damaged.FirstOrDefault(d => !found.ContainsKey(d.Key)).Value is { } damage ? throw damage : found.Values.ToArray();
    }

    /// <summary>One backup; null when no repository has it whole.</summary>
    /// <exception cref="DamagedRepositoryException">Its entry is there and cannot be read in any repository.</exception>
    public async Task<BackupDocument?> FindAsync(BackupId id, CancellationToken cancellation)
    {
        DamagedRepositoryException? damage = null;
        foreach (var store in service.Repositories.Stores)
        {
            try
            {
                if (await ReadAsync(store, id, cancellation) is { } document)
                {
                    return document;
                }
            }
            catch (DamagedRepositoryException e)
            {
                damage ??= e;
            }
        }

        return damage is null ? null : throw damage;
    }

    async Task<BackupDocument?> ReadAsync(IObjectStore store, BackupId id, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service.Name, id);
        var json = await store.TryReadAllAsync(key, cancellation);
        try
        {
            return json is null ? null : BackupDocument.Parse(json);
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
