using Pitr.Storage;

namespace Pitr.Operations.Tests.Verify;

/// <summary>Loses objects, in this order, in the moment in which the first one below a prefix is opened.</summary>
sealed class ExpiringStore(IObjectStore inner, string prefix, IReadOnlyList<string> lost) : IObjectStore
{
    int _isDone;

    public string Name => inner.Name;

    public string Location => inner.Location;

    public StoreCapabilities Capabilities => inner.Capabilities;

    public IAsyncEnumerable<ObjectListing> ListAsync(string below, ListMode mode, CancellationToken cancellationToken) => inner.ListAsync(below, mode, cancellationToken);

    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) => inner.StatAsync(key, cancellationToken);

    public async Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        if (key.StartsWith(prefix, StringComparison.Ordinal) && Interlocked.Exchange(ref _isDone, 1) == 0)
        {
            foreach (var gone in lost)
            {
                await inner.DeleteAsync(gone, cancellationToken);
            }
        }

        return await inner.OpenReadAsync(key, range, cancellationToken);
    }

    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken) => inner.PutAsync(key, content, mode, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
