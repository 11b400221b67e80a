using System.Runtime.CompilerServices;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Retention;

/// <summary>Objects in memory with the test's times. It can be out of reach, and shares a <see cref="Fate"/> with others: where that strikes, the process is dead.</summary>
sealed class MortalStore(string name, TimeProvider clock, Fate fate) : IObjectStore
{
    readonly SortedDictionary<string, (byte[] Content, DateTimeOffset Modified)> _objects = new(StringComparer.Ordinal);

    public string Name => name;

    public string Location => $"memory:{name}";

    public StoreCapabilities Capabilities { get; } = new(true, true, true, true);

    public bool IsDown { get; set; }

    /// <summary>What it says no to although it is there, as a store with object lock does.</summary>
    public Predicate<string> Locked { get; set; } = static _ => false;

    /// <summary>What it cannot do anything with at the moment.</summary>
    public Predicate<string> Failing { get; set; } = static _ => false;

    public List<string> Deleted { get; } = [];

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_objects)
            {
                return [.. _objects.Keys];
            }
        }
    }

    /// <summary>Everything in it, to go back to.</summary>
    public IReadOnlyList<KeyValuePair<string, (byte[] Content, DateTimeOffset Modified)>> Save() => [.. _objects];

    /// <summary>Puts an object as somebody else does.</summary>
    public void Plant(string key, byte[] content)
    {
        lock (_objects)
        {
            _objects[key] = (content, clock.GetUtcNow());
        }
    }

    public void Restore(IReadOnlyList<KeyValuePair<string, (byte[] Content, DateTimeOffset Modified)>> saved)
    {
        _objects.Clear();
        foreach (var (key, value) in saved)
        {
            _objects[key] = value;
        }
    }

    public async IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var item in await DoAsync(prefix, List))
        {
            yield return item;
        }

        ObjectListing[] List() =>
        [
            .. _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(o => o.Key.IndexOf('/', prefix.Length) is var slash and >= 0 && mode == ListMode.Children
                    ? new ObjectListing(o.Key[..(slash + 1)], 0, DateTimeOffset.UnixEpoch, true)
                    : new ObjectListing(o.Key, o.Value.Content.Length, o.Value.Modified, false))
                .DistinctBy(item => item.Key),
        ];
    }

    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) =>
        DoAsync(key, () => _objects.TryGetValue(key, out var found) ? new ObjectInfo(key, found.Content.Length, found.Modified) : null);

    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken) =>
        DoAsync<Stream>(key, () => _objects.TryGetValue(key, out var found) ? new MemoryStream(found.Content, writable: false) : throw new ObjectNotFoundException(name, key));

    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken) => DoAsync(key, () =>
    {
        using var stream = content.OpenRead();
        var bytes = new byte[content.Length];
        stream.ReadExactly(bytes);
        _objects[key] = mode == PutMode.CreateNew && _objects.ContainsKey(key) ? throw new ObjectExistsException(name, key) : (bytes, clock.GetUtcNow());
        return true;
    });

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DoAsync(key, () =>
    {
        if (Locked(key))
        {
            throw new StorageException(name, key, "is locked", isTransient: false);
        }

        if (_objects.Remove(key))
        {
            Deleted.Add(key);
        }

        return true;
    });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    Task<T> DoAsync<T>(string key, Func<T> work)
    {
        lock (fate)
        {
            var strikes = fate.Strikes();
            if (strikes && !fate.After)
            {
                throw new KilledException();
            }

            if (IsDown || Failing(key) || (fate.IsDead && !strikes))
            {
                throw new StorageException(name, key, IsDown ? "is down" : "nobody is there to ask", isTransient: true);
            }

            T done;
            lock (_objects)
            {
                done = work();
            }

            return strikes ? throw new KilledException() : Task.FromResult(done);
        }
    }
}
