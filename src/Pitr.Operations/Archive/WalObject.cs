using Pitr.Format;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Archive;

/// <summary>Reads the clear header of a stored WAL file: fingerprint and commit times, without any secret.</summary>
public static class WalObject
{
    /// <summary>Reads the first bytes of the object.</summary>
    /// <exception cref="DamagedRepositoryException">The object is too short or is not a sealed WAL file.</exception>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    public static async Task<SealedObjectHeader> ReadHeaderAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        var bytes = new byte[SealedObjectHeader.Size];
        await using var stream = await store.OpenReadAsync(key, null, cancellation);
        var read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        try
        {
            var header = SealedObjectHeader.Parse(bytes.AsSpan(0, read));
            return header.Kind == SealedObjectKind.Wal ? header : throw new DamagedObjectException($"is a sealed {header.Kind}, not WAL");
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {key}: {e.Message}",
                "delete the damaged object if another copy of it exists; a base backup taken now starts a new, whole history",
                e);
        }
    }
}
