using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Files;

/// <summary>
/// The manifest of a backup, opened, in a private temporary file without a name: it can be read several times, and none of it need be kept in memory. One reader at a time.
/// </summary>
public sealed class StoredManifest : IDisposable
{
    readonly FileStream _file;

    StoredManifest(FileStream file) => _file = file;

    /// <summary>Reads it from the first repository that gives it whole.</summary>
    /// <exception cref="DamagedRepositoryException">None does.</exception>
    /// <exception cref="KeyUnavailableException">No key opens it.</exception>
    public static async Task<StoredManifest> OpenAsync(PackedService service, BackupDocument backup, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(service);
        ArgumentNullException.ThrowIfNull(backup);
        Exception? failure = null;
        foreach (var store in service.Repositories.InReadOrder)
        {
            var manifest = new StoredManifest(CreateFile(service.StateDirectory));
            try
            {
                await manifest.FillAsync(service, store, backup, cancellation);
                return manifest;
            }
            catch (Exception e)
            {
                manifest.Dispose();
                if (!RestoreFailure.IsOfOneCopy(e))
                {
                    throw;
                }

                service.Log.Warning("repository {Repository} did not give {Key}: {Reason}", store.Name, backup.Manifest.Key, e.Message);
                failure = RestoreFailure.Worse(failure, e);
            }
        }

        throw RestoreFailure.Explain(
            failure!, backup.Manifest.Key, $"backup {backup.Id} cannot be read from here; choose another with --backup, or bring the object back from a copy");
    }

    /// <summary>Reads it from its beginning.</summary>
    public ManifestReader Read()
    {
        _file.Position = 0;
        return new ManifestReader(_file, leaveOpen: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    async Task FillAsync(PackedService service, IObjectStore store, BackupDocument backup, CancellationToken cancellation)
    {
        await using var stream = await store.OpenReadAsync(backup.Manifest.Key, null, cancellation);
        var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
        header.RequireKind(SealedObjectKind.Manifest);
        using (var opened = new SealedObjectReader(stream, header, await service.OpeningKeys.GetAsync(header.KeyId, cancellation)))
        {
            await opened.CopyToAsync(_file, cancellation);
        }

        using var manifest = Read();
        if (manifest.Header.Service != backup.Service || manifest.Header.BackupId != backup.Id || manifest.Header.Kind != backup.Kind)
        {
            throw new DamagedObjectException($"is the manifest of {manifest.Header.Service} {manifest.Header.BackupId}, of kind {manifest.Header.Kind}");
        }
    }

    static FileStream CreateFile(string directory)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(directory, $"manifest-{Guid.NewGuid():N}.tmp");
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Delete, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        // From here on it goes away by itself, however this process ends.
        File.Delete(path);
        return file;
    }
}
