using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>Reads the manifest of a backup, without touching any directory but the service's own.</summary>
sealed class RestoreContentReader(PostgresService service)
{
    /// <summary>Reads it from the first repository that gives it whole.</summary>
    /// <param name="backup">Whose manifest.</param>
    /// <param name="keepsZeros">Whether files from before may be kept.</param>
    /// <param name="written">Packs that need not be fetched again.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="Errors.DamagedRepositoryException">No repository gives it whole.</exception>
    public async Task<RestoreContent> ReadAsync(BackupDocument backup, bool keepsZeros, IReadOnlySet<int> written, CancellationToken cancellation)
    {
        Exception? failure = null;
        foreach (var store in service.Repositories.InReadOrder)
        {
            var content = new RestoreContent(service.StateDirectory, keepsZeros, written);
            try
            {
                await ReadAsync(store, backup, content, cancellation);
                // Lines of large files leave much behind that would be there until the end: the rest of a restore allocates little.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
                return content;
            }
            catch (Exception e)
            {
                content.Dispose();
                if (!RestoreFailure.IsOfOneCopy(e))
                {
                    throw;
                }

                service.Log.Warning("repository {Repository} did not give {Key}: {Reason}", store.Name, backup.Manifest.Key, e.Message);
                failure = RestoreFailure.Worse(failure, e);
            }
        }

        throw RestoreFailure.Explain(
            failure!, backup.Manifest.Key, $"backup {backup.Id} cannot be restored from here; choose another with --backup, or bring the object back from a copy");
    }

    async Task ReadAsync(IObjectStore store, BackupDocument backup, RestoreContent content, CancellationToken cancellation)
    {
        await using var stream = await store.OpenReadAsync(backup.Manifest.Key, null, cancellation);
        var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
        header.RequireKind(SealedObjectKind.Manifest);
        using var opened = new SealedObjectReader(stream, header, await service.OpeningKeys.GetAsync(header.KeyId, cancellation));
        using var manifest = new ManifestReader(opened);
        if (manifest.Header.Service != backup.Service || manifest.Header.BackupId != backup.Id)
        {
            throw new DamagedObjectException($"is the manifest of {manifest.Header.Service} {manifest.Header.BackupId}");
        }

        while (manifest.ReadNext() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            if (line is ManifestPack pack)
            {
                content.Add(pack);
            }
            else
            {
                content.Add((ManifestEntry)line);
            }
        }
    }
}
