using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Dumps;

/// <summary>Writes the catalog entry, which makes what was stored a backup.</summary>
sealed class DumpEntry(DumpService service)
{
    /// <summary>Puts it where everything it names is; as many repositories as required must be so. One that lacks a part is owed the entry as well.</summary>
    /// <exception cref="RepositoryUnavailableException">Too few have all of it.</exception>
    /// <exception cref="StorageException">Too few could take it.</exception>
    public async Task PutAsync(DumpDocument document, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Dump(service.Name, BackupId.Parse(document.Id));
        var content = ObjectContent.FromMemory(document.ToJson());
        await service.Repositories.WriteAsync(
            [key],
            Laggards.Await,
            async (store, token) =>
            {
                if (await BackupObjects.MissingAsync(store, DumpObjects.Of(document), token) is { Count: > 0 } missing)
                {
                    throw new RepositoryUnavailableException($"repository {store.Name} lacks {missing[0].Key} and {missing.Count - 1} more that the backup needs", "take the backup again");
                }

                await store.PutAsync(key, content, PutMode.CreateNew, token);
            },
            cancellation,
            isReady: store => !DumpObjects.Of(document).Any(o => service.Repositories.Debts.IsOwed(store.Name, o.Key)));
    }
}
