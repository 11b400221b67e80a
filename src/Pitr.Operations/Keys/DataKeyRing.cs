using System.Collections.Concurrent;
using Pitr.Format;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Keys;

/// <summary>
/// Finds the data keys that open what a service stored: those this host made itself, then the wrapped copies in the repository
/// (keys/, then the service's own second copy), opened with the identity. Safe for use from several threads.
/// </summary>
/// <param name="service">The service whose objects are opened.</param>
/// <param name="repositories">Where the wrapped keys lie.</param>
/// <param name="cache">The keys this host made itself.</param>
/// <param name="identity">Loads the private key on first need; throws <see cref="KeyUnavailableException"/> when there is none.</param>
public sealed class DataKeyRing(ServiceName service, RepositorySet repositories, DataKeyCache cache, Func<Identity> identity) : IDisposable
{
    readonly ConcurrentDictionary<DataKeyId, DataKey> _keys = new();
    readonly SemaphoreSlim _unwrapping = new(1, 1);
    Identity? _identity;

    /// <summary>The data keys that were asked for and found so far.</summary>
    public IReadOnlyCollection<DataKeyId> Found => [.. _keys.Keys];

    /// <summary>Makes sure that there is an identity.</summary>
    /// <exception cref="KeyUnavailableException">There is none.</exception>
    public void RequireIdentity()
    {
        _unwrapping.Wait();
        try
        {
            _identity ??= identity();
        }
        finally
        {
            _unwrapping.Release();
        }
    }

    /// <summary>Opens a key document with the identity, to see that it can be opened.</summary>
    /// <exception cref="DamagedObjectException">It is wrapped to the identity and does not open.</exception>
    /// <exception cref="WrongIdentityException">It is not wrapped to the identity.</exception>
    /// <exception cref="KeyUnavailableException">There is no identity.</exception>
    public void RequireOpens(KeyDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        RequireIdentity();
        document.Unwrap(_identity!).Dispose();
    }

    /// <summary>The data key with this id.</summary>
    /// <exception cref="KeyUnavailableException">No copy of the key document exists, or the identity does not open it.</exception>
    /// <exception cref="DamagedRepositoryException">Every copy of the key document is damaged.</exception>
    public async Task<DataKey> GetAsync(DataKeyId id, CancellationToken cancellation)
    {
        if (_keys.TryGetValue(id, out var known))
        {
            return known;
        }

        await _unwrapping.WaitAsync(cancellation);
        try
        {
            if (_keys.TryGetValue(id, out known))
            {
                return known;
            }

            var key = cache.Find(id) ?? await UnwrapAsync(id, cancellation);
            _keys[id] = key;
            return key;
        }
        finally
        {
            _unwrapping.Release();
        }
    }

    // Two copies in each repository: any one that opens is enough. When none does, a repository that could not be asked leaves the
    // question open; after that an identity that does not fit is likelier than damage.
    async Task<DataKey> UnwrapAsync(DataKeyId id, CancellationToken cancellation)
    {
        _identity ??= identity();
        string[] copies = [RepositoryLayout.DataKey(id), RepositoryLayout.ServiceDataKey(service, id)];
        var asked = await repositories.AskFirstAsync((store, token) => UnwrapAnyAsync(store, copies, id, _identity, token), cancellation);
        if (asked.IsAnswered)
        {
            return asked.Answer;
        }

        throw asked.Failures.FirstOrDefault(f => f is StorageException and not ObjectNotFoundException)
            ?? asked.Failures.FirstOrDefault(f => f is KeyUnavailableException)
            ?? asked.Failures.FirstOrDefault(f => f is not ObjectNotFoundException)
            ?? new KeyUnavailableException(
                $"data key {id} has no document in repository {repositories.Names}: neither {copies[0]} nor {copies[1]}",
                "objects sealed with it cannot be opened; bring the key document back from another copy of the repository");
    }

    static async Task<DataKey> UnwrapAnyAsync(IObjectStore store, string[] copies, DataKeyId id, Identity identity, CancellationToken cancellation)
    {
        Exception? failure = null;
        foreach (var copy in copies)
        {
            try
            {
                return Unwrap(id, await store.ReadAllAsync(copy, cancellation), identity);
            }
            catch (ObjectNotFoundException e)
            {
                failure ??= e;
            }
            catch (StorageException e)
            {
                failure = e;
            }
            catch (WrongIdentityException e)
            {
                failure = failure is StorageException and not ObjectNotFoundException ? failure : new KeyUnavailableException(
                    $"the identity {identity.Recipient.Id} does not open {copy}: {e.Message}",
                    "use the identity whose recipient the repository was written for; `pitr key list` shows the recipients of every data key", e);
            }
            catch (DamagedObjectException e)
            {
                failure = failure is null or ObjectNotFoundException
                    ? new DamagedRepositoryException($"{store.Name}: {copy}: {e.Message}", "every other copy of the key is missing or damaged too; bring one back from a copy of the repository", e)
                    : failure;
            }
            catch (UnsupportedFormatException e)
            {
                failure = failure is null or ObjectNotFoundException ? e : failure;
            }
        }

        throw failure!;
    }

    static DataKey Unwrap(DataKeyId id, byte[] json, Identity identity)
    {
        var document = KeyDocument.Parse(json);
        return document.Id == id ? document.Unwrap(identity) : throw new DamagedObjectException($"it is the document of another data key, {document.Id}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var key in _keys.Values)
        {
            key.Dispose();
        }

        _identity?.Dispose();
        _unwrapping.Dispose();
    }
}
