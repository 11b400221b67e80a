using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>The backups of a service: those whose catalog entry exists, since that is written last.</summary>
/// <typeparam name="T">The entry.</typeparam>
/// <param name="service">The service.</param>
/// <param name="prefix">Below it each backup has a directory with its id as its name.</param>
/// <param name="keyOf">Key of a backup's entry.</param>
/// <param name="parse">Reads one; throws <see cref="DamagedObjectException"/> or <see cref="UnsupportedFormatException"/> where that is impossible.</param>
public sealed class CatalogEntries<T>(OpenedService service, string prefix, Func<BackupId, string> keyOf, Func<byte[], T> parse)
    where T : class
{
    // A store answers one request after the other within its latency; entries are small.
    const int AtOnce = 16;

    /// <summary>Every complete backup, oldest first; each once, however many repositories hold it.</summary>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    /// <exception cref="DamagedRepositoryException">A catalog entry cannot be read in any repository.</exception>
    public async Task<IReadOnlyList<T>> ListAsync(CancellationToken cancellation)
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

        var entries = holders.Select(h => (Id: BackupId.Parse(h.Key), Stores: h.Value)).ToArray();
        var asked = new Asked<T>[entries.Length];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, entries.Length),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (i, token) => asked[i] = await ReadAsync(entries[i].Stores, entries[i].Id, token));
        // Removed between listing and reading is not there; anything else that is no answer is damage.
        var damage = asked.Where(a => !a.IsAnswered && !a.IsProvenAbsent).Select(a => a.Failure).FirstOrDefault();
        return damage is null ? [.. asked.Where(a => a.IsAnswered).Select(a => a.Answer)] : throw damage;
    }

    /// <summary>One backup; null when no repository has it whole.</summary>
    /// <exception cref="DamagedRepositoryException">Its entry is there and cannot be read in any repository.</exception>
    /// <exception cref="StorageException">No repository has it, and one could not be asked.</exception>
    public async Task<T?> FindAsync(BackupId id, CancellationToken cancellation)
    {
        var asked = await ReadAsync(service.Repositories.InReadOrder, id, cancellation);
        return asked.IsAnswered ? asked.Answer : asked.IsProvenAbsent ? null : throw asked.Failure;
    }

    async Task<List<BackupId>> ListIdsAsync(IObjectStore store, CancellationToken cancellation)
    {
        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        var ids = new List<BackupId>();
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
    Task<Asked<T>> ReadAsync(IReadOnlyList<IObjectStore> stores, BackupId id, CancellationToken cancellation) =>
        service.Repositories.AskFirstAsync(stores, (store, token) => ReadAsync(store, id, token), cancellation);

    async Task<T> ReadAsync(IObjectStore store, BackupId id, CancellationToken cancellation)
    {
        var key = keyOf(id);
        var json = await store.ReadAllAsync(key, cancellation);
        try
        {
            return parse(json);
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
