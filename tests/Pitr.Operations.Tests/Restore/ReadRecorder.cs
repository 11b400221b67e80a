using System.Collections.Concurrent;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Restore;

/// <summary>Writes down which parts of which objects are read.</summary>
sealed class ReadRecorder(IObjectStore inner) : IObjectStore
{
    public ConcurrentQueue<(string Key, ByteRange? Range)> Reads { get; } = new();

    public string Name => inner.Name;

    public string Location => inner.Location;

    public StoreCapabilities Capabilities => inner.Capabilities;

    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken) => inner.ListAsync(prefix, mode, cancellationToken);

    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) => inner.StatAsync(key, cancellationToken);

    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        Reads.Enqueue((key, range));
        return inner.OpenReadAsync(key, range, cancellationToken);
    }

    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken) => inner.PutAsync(key, content, mode, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
