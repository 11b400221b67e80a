using System.Security.Cryptography;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Restore;

/// <summary>Fetches packs, whole or in part, from the repository that has them undamaged.</summary>
/// <param name="service">Whose.</param>
/// <param name="buffers">As large as the largest pack.</param>
sealed class PackFetch(PackedService service, FetchBuffers buffers)
{
    /// <summary>Where a pack lies.</summary>
    /// <exception cref="DamagedRepositoryException">No pack can be what the manifest describes.</exception>
    public (string Key, int Size) Locate(ManifestPack pack) => BackupId.TryParse(pack.BackupId, out var backup) && pack.Size <= Array.MaxLength
        ? (RepositoryLayout.Pack(service.Name, backup, pack.Number), (int)pack.Size)
        : throw new DamagedRepositoryException(
            $"the manifest names a pack of {pack.Size} bytes of backup {pack.BackupId}: there is no such pack",
            RestoreFailure.PackHint);

    /// <summary>
    /// Fetches it. The records of a pack prove that they belong together, not that they are this backup's: the manifest's digest does. Checked
    /// before anything is written, so that a copy from another repository can take this one's place.
    /// </summary>
    public Task<FetchedBytes> WholeAsync(ManifestPack pack, CancellationToken cancellation)
    {
        var (key, size) = Locate(pack);
        return AskAsync(service.Repositories.InReadOrder, key, null, size, content => RequireDigest(content, pack.Sha256), cancellation);
    }

    /// <summary>Fetches an object, or a part of it, from the first repository that gives one which passes.</summary>
    /// <param name="among">The repositories to ask, in this order.</param>
    /// <param name="key">The object.</param>
    /// <param name="range">The part; null for all of it.</param>
    /// <param name="size">Bytes of it.</param>
    /// <param name="require">Throws <see cref="DamagedObjectException"/> for what does not pass.</param>
    /// <param name="cancellation">Ends the asking.</param>
    /// <exception cref="DamagedRepositoryException">None gives one.</exception>
    public async Task<FetchedBytes> AskAsync(
        IReadOnlyList<IObjectStore> among, string key, ByteRange? range, int size, Action<ReadOnlySpan<byte>> require, CancellationToken cancellation)
    {
        var patience = TimeSpan.FromSeconds(2 + (size >> 20));
        var asked = await service.Repositories.AskFirstAsync(among, (store, token) => ReadAsync(store, key, range, size, require, token), cancellation, patience);
        foreach (var failure in asked.Failures)
        {
            service.Log.Warning("a repository did not give {Key}: {Reason}", key, failure.Message);
        }

        return asked.IsAnswered ? asked.Answer : throw RestoreFailure.Explain(asked.Failure, key, RestoreFailure.PackHint);
    }

    async Task<FetchedBytes> ReadAsync(IObjectStore store, string key, ByteRange? range, int size, Action<ReadOnlySpan<byte>> require, CancellationToken cancellation)
    {
        var buffer = buffers.Rent();
        try
        {
            await using (var stream = await store.OpenReadAsync(key, range, cancellation))
            {
                await stream.ReadExactlyAsync(buffer.Bytes.AsMemory(0, size), cancellation);
            }

            require(buffer.Bytes.AsSpan(0, size));
            return new FetchedBytes(buffer, size);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    static void RequireDigest(ReadOnlySpan<byte> content, string sha256)
    {
        if (Convert.ToHexStringLower(SHA256.HashData(content)) != sha256)
        {
            throw new DamagedObjectException("its SHA-256 is not the one the manifest gives");
        }
    }
}
