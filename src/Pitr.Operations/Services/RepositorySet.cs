using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>
/// The repositories one service writes to. Writes go to all of them at once and count only when every one holds the object;
/// reads take the first repository that gives an answer.
/// </summary>
public sealed class RepositorySet(IReadOnlyList<IObjectStore> stores) : IAsyncDisposable
{
    /// <summary>The repositories in configured order; at least one.</summary>
    public IReadOnlyList<IObjectStore> Stores { get; } = stores;

    /// <summary>Names for messages: "local, offsite".</summary>
    public string Names => string.Join(", ", Stores.Select(s => s.Name));

    /// <summary>Runs one piece of work on every repository at once; the first failure is the answer after all have ended.</summary>
    public Task OnEachAsync(Func<IObjectStore, Task> work) => Stores.Count == 1 ? work(Stores[0]) : Task.WhenAll(Stores.Select(work));

    /// <summary>Puts the same object into every repository; returns when each holds it durably.</summary>
    public Task PutAsync(string key, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellation) =>
        OnEachAsync(store => store.PutAsync(key, ObjectContent.FromMemory(content), mode, cancellation));

    /// <summary>
    /// Reads an object whole from the first repository that has it. Null only when every repository answered "no such object".
    /// </summary>
    /// <exception cref="StorageException">None has it and at least one could not be asked.</exception>
    public async Task<byte[]?> TryReadAsync(string key, CancellationToken cancellation)
    {
        StorageException? unanswered = null;
        foreach (var store in Stores)
        {
            try
            {
                if (await store.TryReadAllAsync(key, cancellation) is { } content)
                {
                    return content;
                }
            }
            catch (StorageException e)
            {
                unanswered ??= e;
            }
        }

        return unanswered is null ? null : throw unanswered;
    }

    /// <summary>Opens an object of the first repository that has it.</summary>
    /// <exception cref="ObjectNotFoundException">Every repository answered "no such object".</exception>
    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellation)
    {
        StorageException? failure = null;
        foreach (var store in Stores)
        {
            try
            {
                return await store.OpenReadAsync(key, range, cancellation);
            }
            catch (StorageException e)
            {
                failure = failure is null or ObjectNotFoundException ? e : failure;
            }
        }

        throw failure!;
    }

    /// <summary>Makes an empty repository one by creating repository.json; an existing one is only read and its format checked.</summary>
    /// <returns>The repository's document, and whether it was made just now.</returns>
    public static async Task<(RepositoryDocument Document, bool IsNew)> InitialiseAsync(IObjectStore store, TimeProvider clock, CancellationToken cancellation)
    {
        var document = new RepositoryDocument { RepositoryId = Guid.NewGuid().ToString("N"), Created = clock.GetUtcNow() };
        try
        {
            await store.PutAsync(RepositoryLayout.Repository, ObjectContent.FromMemory(document.ToJson()), PutMode.CreateNew, cancellation);
            return (document, IsNew: true);
        }
        catch (ObjectExistsException)
        {
            return (await RequireInitialisedAsync(store, cancellation), IsNew: false);
        }
    }

    /// <summary>
    /// Reads repository.json and refuses a place without one: an unmounted disk or a mistyped URL must not start to fill silently.
    /// </summary>
    public static async Task<RepositoryDocument> RequireInitialisedAsync(IObjectStore store, CancellationToken cancellation) =>
        await ReadDocumentAsync(store, cancellation) ?? throw new RepositoryUnavailableException(
            $"repository {store.Name} ({store.Location}) holds no {RepositoryLayout.Repository}",
            "is the disk mounted and the URL right? a new repository is made by `pitr init`");

    /// <summary>Reads repository.json; null when the repository has none.</summary>
    /// <exception cref="StorageException">The repository could not be asked.</exception>
    /// <exception cref="DamagedRepositoryException">It is there and makes no sense.</exception>
    /// <exception cref="UnsupportedFormatException">A newer program made it.</exception>
    public static async Task<RepositoryDocument?> ReadDocumentAsync(IObjectStore store, CancellationToken cancellation)
    {
        var json = await store.TryReadAllAsync(RepositoryLayout.Repository, cancellation);
        try
        {
            return json is null ? null : RepositoryDocument.Parse(json);
        }
        catch (DamagedObjectException e)
        {
            throw new DamagedRepositoryException(
                $"{store.Name}: {RepositoryLayout.Repository} is damaged: {e.Message}",
                "bring it back from another copy of the repository",
                e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var store in Stores)
        {
            await store.DisposeAsync();
        }
    }
}
