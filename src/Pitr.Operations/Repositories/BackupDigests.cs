using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>
/// What the packs and the manifest of one backup must be, byte for byte, its own packs and those of older backups. The entry says it, and the
/// manifest, which is authenticated: its word counts more.
/// </summary>
static class BackupDigests
{
    /// <summary>Reads them.</summary>
    /// <param name="source">Where the backup is.</param>
    /// <param name="service">Whose it is.</param>
    /// <param name="entry">Its entry.</param>
    /// <param name="opener">Opens the manifest; null leaves it at what the entry says.</param>
    /// <returns>Size and digest by key.</returns>
    /// <exception cref="DamagedRepositoryException">The manifest is damaged, or not this backup's.</exception>
    /// <exception cref="KeyUnavailableException">No key opens the manifest.</exception>
    /// <exception cref="ObjectNotFoundException">There is no manifest.</exception>
    public static async Task<Dictionary<string, StoredObject>> ReadAsync(
        IObjectStore source, ServiceName service, BackupDocument entry, ObjectOpener? opener, CancellationToken cancellation)
    {
        var digests = BackupObjects.Of(entry).ToDictionary(item => item.Key, StringComparer.Ordinal);
        if (opener is null)
        {
            return digests;
        }

        try
        {
            await using var stored = await source.OpenReadAsync(entry.Manifest.Key, range: null, cancellation);
            var header = await SealedObjectReader.ReadHeaderAsync(stored, cancellation);
            header.RequireKind(SealedObjectKind.Manifest);
            using var opened = await opener.UnlockAsync(entry.Manifest.Key, stored, header, cancellation);
            using var manifest = new ManifestReader(opened);
            if (manifest.Header.Service != entry.Service || manifest.Header.BackupId != entry.Id)
            {
                throw new DamagedObjectException($"it is the manifest of {manifest.Header.Service} {manifest.Header.BackupId}");
            }

            foreach (var pack in manifest.ReadAll().OfType<ManifestPack>())
            {
                var key = RepositoryLayout.Pack(service, BackupId.Parse(pack.BackupId), pack.Number);
                digests[key] = new StoredObject(key, pack.Size, pack.Sha256);
            }

            return digests;
        }
        catch (Exception e) when (e is DamagedObjectException or FormatException or EndOfStreamException)
        {
            throw new DamagedRepositoryException(
                $"repository \"{source.Name}\", object \"{entry.Manifest.Key}\" is damaged: {e.Message}", "the backup cannot be copied from here; another repository may hold it whole", e);
        }
    }
}
