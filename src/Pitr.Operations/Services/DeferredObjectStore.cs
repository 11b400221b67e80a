using System.Runtime.CompilerServices;
using Pitr.Operations.Configuration;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>
/// A store that is made when it is first used, because its secrets are needed then and not earlier. A secret that can not be had is an error of
/// this repository alone, at each operation until it can be had: what the other repositories hold stays within reach.
/// </summary>
/// <param name="name">As <see cref="IObjectStore.Name"/>.</param>
/// <param name="location">As <see cref="IObjectStore.Location"/>.</param>
/// <param name="make">Makes the store.</param>
sealed class DeferredObjectStore(string name, string location, Func<IObjectStore> make) : IObjectStore
{
    readonly Lock _lock = new();
    IObjectStore? _made;
    bool _isDisposed;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Location => location;

    /// <inheritdoc/>
    public StoreCapabilities Capabilities => Store.Capabilities;

    /// <exception cref="StorageException">A secret can not be had, or is none that the driver could use.</exception>
    IObjectStore Store
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                try
                {
                    return _made ??= make();
                }
                catch (ConfigurationException e)
                {
                    throw new StorageException(name, key: null, e.Message, isTransient: false, e.Hint, e);
                }
                catch (ArgumentException e)
                {
                    throw new StorageException(name, key: null, e.Message, isTransient: false, "correct its keys in the configuration or its secrets", e);
                }
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var listing in Store.ListAsync(prefix, mode, cancellationToken))
        {
            yield return listing;
        }
    }

    /// <inheritdoc/>
    public async Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) => await Store.StatAsync(key, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken) =>
        await Store.OpenReadAsync(key, range, cancellationToken);

    /// <inheritdoc/>
    public async Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken) =>
        await Store.PutAsync(key, content, mode, cancellationToken);

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken) => await Store.DeleteAsync(key, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isDisposed = true;
            return _made?.DisposeAsync() ?? ValueTask.CompletedTask;
        }
    }
}
