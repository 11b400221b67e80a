using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Which backups of a repository need an object, in whichever backup's directory it lies. Reads the entries of a service once, when first asked.</summary>
/// <param name="store">The repository.</param>
sealed class NamedObjects(IObjectStore store)
{
    readonly Dictionary<ServiceName, Dictionary<string, string>> _users = [];

    /// <summary>A backup that needs the object; null when none does.</summary>
    /// <exception cref="DamagedRepositoryException">An entry makes no sense: what it needs is not known.</exception>
    /// <exception cref="StorageException">The entries could not be read.</exception>
    public async Task<string?> FindUserAsync(ServiceName service, string key, CancellationToken cancellation)
    {
        if (!_users.TryGetValue(service, out var users))
        {
            _users[service] = users = await ReadAsync(service, cancellation);
        }

        return users.GetValueOrDefault(key);
    }

    async Task<Dictionary<string, string>> ReadAsync(ServiceName service, CancellationToken cancellation)
    {
        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        await foreach (var item in store.ListAsync(RepositoryLayout.BackupsPrefix(service), ListMode.Recursive, cancellation))
        {
            if (RepositoryKey.Parse(item.Key).Kind == RepositoryKeyKind.Backup && await store.TryReadAllAsync(item.Key, cancellation) is { } json)
            {
                foreach (var needed in Parse(item.Key, json, bytes => BackupObjects.Of(BackupDocument.Parse(bytes))))
                {
                    users[needed.Key] = item.Key;
                }
            }
        }

        await foreach (var item in store.ListAsync(RepositoryLayout.DumpsPrefix(service), ListMode.Recursive, cancellation))
        {
            if (RepositoryKey.Parse(item.Key).Kind == RepositoryKeyKind.DumpEntry && await store.TryReadAllAsync(item.Key, cancellation) is { } json)
            {
                foreach (var needed in Parse(item.Key, json, bytes => DumpObjects.Of(DumpDocument.Parse(bytes))))
                {
                    users[needed.Key] = item.Key;
                }
            }
        }

        return users;
    }

    IEnumerable<StoredObject> Parse(string key, byte[] json, Func<byte[], IEnumerable<StoredObject>> needed)
    {
        try
        {
            return needed(json);
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"repository \"{store.Name}\", object \"{key}\" is damaged, so it is not known which packs it needs: {e.Message}",
                $"nothing was removed; `pitr repo rm {store.Name} {key}` gives up this copy of the entry, `pitr repo copy` brings it from a repository that holds it whole", e);
        }
    }
}
