using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>Where a new backup goes in the repositories.</summary>
/// <param name="service">Whose backup.</param>
sealed class BackupPlace(PackedService service)
{
    /// <summary>
    /// Ids are unique per second, also among backups that were interrupted; a second backup in the same second waits for the next one. A
    /// repository that is down has no say: the lease keeps others from beginning a backup now.
    /// </summary>
    /// <param name="isTaken">Whether this host knows of a backup of that id.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<BackupId> ChooseIdAsync(Func<BackupId, bool> isTaken, CancellationToken cancellation)
    {
        while (true)
        {
            var id = new BackupId(service.Clock.GetUtcNow());
            var answers = await service.Repositories.AskAllAsync(
                async (store, token) => await store.ExistsAsync(RepositoryLayout.Backup(service.Name, id), token)
                    || await store.ListAsync(RepositoryLayout.PacksPrefix(service.Name, id), ListMode.Children, token).AnyAsync(token),
                cancellation);
            if (!answers.Any(a => a.Answer) && !isTaken(id))
            {
                return id;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), service.Clock, cancellation);
        }
    }

    /// <summary>Stores a sealed manifest.</summary>
    public async Task<StoredObject> StoreManifestAsync(BackupId id, MemoryStream manifest, DataKey dataKey, CancellationToken cancellation)
    {
        var content = manifest.GetBuffer().AsMemory(0, (int)manifest.Length);
        var key = RepositoryLayout.Manifest(service.Name, id);
        await service.Repositories.PutAsync(key, content, PutMode.Replace, cancellation, store => service.SealingKeys.IsPublished(dataKey, store));
        return new StoredObject(key, content.Length, Convert.ToHexStringLower(SHA256.HashData(content.Span)));
    }
}
