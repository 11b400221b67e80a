namespace Pitr.Storage;

/// <summary>What can be built from the five operations alone.</summary>
public static class ObjectStoreExtensions
{
    /// <summary>Longest object that is read into memory unless the caller says otherwise: catalog entries and keys are far smaller.</summary>
    public const int DefaultReadLimit = 256 * 1024 * 1024;

    /// <summary>Reads a whole, small object.</summary>
    /// <exception cref="ObjectNotFoundException">The object is proven absent.</exception>
    /// <exception cref="StorageException">It could not be read, or is longer than <paramref name="limit"/>.</exception>
    public static async Task<byte[]> ReadAllAsync(
        this IObjectStore store, string key, CancellationToken cancellationToken, int limit = DefaultReadLimit)
    {
        ArgumentNullException.ThrowIfNull(store);
        var source = await store.OpenReadAsync(key, range: null, cancellationToken);
        await using (source)
        {
            using var all = new MemoryStream();
            var buffer = new byte[16 * 1024];
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
            {
                if (all.Length + read > limit)
                {
                    throw new StorageException(store.Name, key, $"is longer than the {limit} bytes expected at most", isTransient: false);
                }

                all.Write(buffer, 0, read);
                if (buffer.Length < 1024 * 1024 && read == buffer.Length)
                {
                    buffer = new byte[buffer.Length * 4];
                }
            }

            return all.ToArray();
        }
    }

    /// <summary>Reads a whole, small object; <see langword="null"/> only when it is proven absent.</summary>
    /// <exception cref="StorageException">It could not be read, or is longer than <paramref name="limit"/>.</exception>
    public static async Task<byte[]?> TryReadAllAsync(
        this IObjectStore store, string key, CancellationToken cancellationToken, int limit = DefaultReadLimit)
    {
        try
        {
            return await store.ReadAllAsync(key, cancellationToken, limit);
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether the object is there; <see langword="false"/> only when it is proven absent.</summary>
    /// <exception cref="StorageException">The store could not find out.</exception>
    public static async Task<bool> ExistsAsync(this IObjectStore store, string key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        return await store.StatAsync(key, cancellationToken) is not null;
    }

    /// <summary>Puts an object held in memory.</summary>
    /// <exception cref="ObjectExistsException"><see cref="PutMode.CreateNew"/>, and the key is taken.</exception>
    /// <exception cref="StorageException">The object was not stored, or the store could not tell.</exception>
    public static Task PutAsync(
        this IObjectStore store, string key, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.PutAsync(key, ObjectContent.FromMemory(content), mode, cancellationToken);
    }
}
