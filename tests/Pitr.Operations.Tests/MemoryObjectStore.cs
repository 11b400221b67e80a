using System.Runtime.CompilerServices;
using Pitr.Storage;

namespace Pitr.Operations.Tests;

/// <summary>Objects in memory, for tests that need thousands of them and prove nothing about storage.</summary>
sealed class MemoryObjectStore : IObjectStore
{
    readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);

    public string Name => "memory";

    public string Location => "memory:";

    public StoreCapabilities Capabilities { get; } = new(true, true, true, false);

    public async IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var last = "";
        foreach (var (key, content) in _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            var slash = key.IndexOf('/', prefix.Length);
            if (mode == ListMode.Recursive || slash < 0)
            {
                yield return new ObjectListing(key, content.Length, Scenario.Start, false);
            }
            else if (key[..(slash + 1)] != last)
            {
                last = key[..(slash + 1)];
                yield return new ObjectListing(last, 0, DateTimeOffset.UnixEpoch, true);
            }
        }
    }

    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) =>
        Task.FromResult(_objects.TryGetValue(key, out var content) ? new ObjectInfo(key, content.Length, Scenario.Start) : null);

    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken) =>
        Task.FromResult<Stream>(_objects.TryGetValue(key, out var content) ? new MemoryStream(content, false) : throw new ObjectNotFoundException(Name, key));

    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        using var stream = content.OpenRead();
        var bytes = new byte[content.Length];
        stream.ReadExactly(bytes);
        _objects[key] = bytes;
        return Task.CompletedTask;
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        _objects.Remove(key);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
