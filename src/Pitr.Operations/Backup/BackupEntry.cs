using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>Writes the catalog entry, which makes what was stored a backup.</summary>
sealed class BackupEntry(PackedService service)
{
    readonly WalArrival? _arrival = service is PostgresService postgres ? new(postgres) : null;

    /// <summary>
    /// Puts it where everything it names is, and the WAL from start to stop if it is of a cluster; as many repositories as required must be so. One that lacks a part is owed the entry as well.
    /// </summary>
    /// <exception cref="RepositoryUnavailableException">Too few have all of it.</exception>
    /// <exception cref="StorageException">Too few could take it.</exception>
    public async Task PutAsync(BackupDocument document, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service.Name, BackupId.Parse(document.Id));
        var content = ObjectContent.FromMemory(document.ToJson());
        await service.Repositories.WriteAsync(
            [key],
            Laggards.Await,
            async (store, token) =>
            {
                if (_arrival is not null)
                {
                    await _arrival.RequireSegmentsAsync(store, WalSegmentName.Parse(document.StartWal), WalSegmentName.Parse(document.StopWal), WalSegmentSize.From(document.WalSegmentSize), token);
                }

                if (await BackupObjects.MissingAsync(store, document, token) is { Count: > 0 } missing)
                {
                    throw new RepositoryUnavailableException(
                        $"repository {store.Name} lacks {missing[0].Key} and {missing.Count - 1} more that the backup needs",
                        "take the backup again: it copies what is missing, and takes over the rest; `pitr repo copy` completes a repository");
                }

                await store.PutAsync(key, content, PutMode.CreateNew, token);
            },
            cancellation,
            isReady: store => !BackupObjects.Of(document).Any(o => service.Repositories.Debts.IsOwed(store.Name, o.Key)));
    }
}
