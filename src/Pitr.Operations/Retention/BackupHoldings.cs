using System.Collections.Concurrent;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;

namespace Pitr.Operations.Retention;

/// <summary>What one repository holds of a service's backups. All of it or nothing: from a part of it nobody could say what is needed no more.</summary>
/// <param name="Store">The repository.</param>
/// <param name="Entries">The backups that are complete there, in the order of time.</param>
/// <param name="Parts">Manifests and packs, or of dumps parts, manifests and digests, whoever needs them, in the order of keys.</param>
/// <param name="Unknown">Other keys among them: of no form that pitr gives, so never touched.</param>
public sealed record BackupHoldings(
    IObjectStore Store, IReadOnlyDictionary<BackupId, ICatalogEntry> Entries, IReadOnlyList<BackupPart> Parts, IReadOnlyList<string> Unknown)
{
    // Entries are small and the way may be long.
    const int Parallel = 8;

    /// <summary>Reads them.</summary>
    /// <exception cref="StorageException">A listing or an entry could not be read to its end.</exception>
    /// <exception cref="DamagedRepositoryException">An entry makes no sense, or is not that of its key.</exception>
    /// <exception cref="UnsupportedFormatException">A newer program wrote one.</exception>
    public static async Task<BackupHoldings> ReadAsync(IObjectStore store, CatalogPlace place, CancellationToken cancellation)
    {
        await Services.RepositorySet.RequireInitialisedAsync(store, cancellation);
        var parts = new List<BackupPart>();
        var unknown = new List<string>();
        var keys = new List<(string Key, BackupId Id)>();
        // Packs before entries: an entry that comes meanwhile is seen, or its packs are not.
        foreach (var prefix in place.Prefixes)
        {
            await foreach (var item in store.ListAsync(prefix, ListMode.Recursive, cancellation))
            {
                if (place.IsPart(item.Key, out var backup))
                {
                    parts.Add(new BackupPart(item.Key, item.Size, item.Modified, backup));
                }
                else if (place.IsEntry(item.Key, out var id))
                {
                    keys.Add((item.Key, id));
                }
                else
                {
                    unknown.Add(item.Key);
                }
            }
        }

        var entries = new ConcurrentDictionary<BackupId, ICatalogEntry>();
        var texts = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation };
        await System.Threading.Tasks.Parallel.ForEachAsync(keys, options, async (entry, token) =>
        {
            if (await store.TryReadAllAsync(entry.Key, token) is { } json)
            {
                entries[entry.Id] = Share(Parse(store, place, entry.Key, entry.Id, json), texts);
            }
        });
        return new BackupHoldings(store, new SortedDictionary<BackupId, ICatalogEntry>(entries), parts, unknown);
    }

    /// <summary>The same without the entries of some backups.</summary>
    public BackupHoldings Without(IReadOnlySet<BackupId> backups) =>
        this with { Entries = new SortedDictionary<BackupId, ICatalogEntry>(Entries.Where(entry => !backups.Contains(entry.Key)).ToDictionary()) };

    // Backups name the same packs again and again: thousands of them, in hundreds of entries.
    static ICatalogEntry Share(ICatalogEntry entry, ConcurrentDictionary<string, string> texts)
    {
        return entry is not BackupDocument backup ? entry : backup with
        {
            Packs = [.. backup.Packs.Select(pack => pack with { Key = One(pack.Key), Sha256 = One(pack.Sha256) })],
            OlderPacks = [.. backup.OlderPacks.Select(pack => pack with { Key = One(pack.Key), Sha256 = One(pack.Sha256) })],
        };

        string One(string text) => texts.GetOrAdd(text, text);
    }

    static ICatalogEntry Parse(IObjectStore store, CatalogPlace place, string key, BackupId id, byte[] json)
    {
        try
        {
            var entry = place.Parse(json);
            return entry.Id == id.ToString() && entry.Service == place.Service.Value
                ? entry
                : throw new DamagedObjectException($"it is the entry of backup {entry.Id} of service {entry.Service}");
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"repository \"{store.Name}\", object \"{key}\" is damaged, so it is not known what it needs: {e.Message}",
                $"nothing was removed; `pitr repo rm {store.Name} {key}` gives up this copy of the entry, `pitr repo copy` brings it from a repository that holds it whole",
                e);
        }
    }
}
