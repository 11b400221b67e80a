using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Keys;

/// <summary>
/// Gives the data key that new objects of one service are sealed with. The key is wrapped to every recipient and both copies of
/// its document are durable in the repositories, as many as are required, before the first object can be sealed with it. Safe for use from several threads.
/// </summary>
public sealed class DataKeyProvider(
    ServiceName service,
    RepositorySet repositories,
    DataKeyCache cache,
    Func<IReadOnlyList<Recipient>> recipients,
    string stateDirectory,
    TimeProvider clock) : IDisposable
{
    // The key documents are looked for again this often, so that a repository that was emptied or exchanged under a running agent
    // never collects objects whose key it does not hold for longer than this.
    static readonly TimeSpan Recheck = TimeSpan.FromSeconds(30);

    readonly SemaphoreSlim _gate = new(1, 1);
    DataKey? _key;
    DateTimeOffset _published;

    /// <summary>Whether a repository holds the documents of a key, as far as is known: an object must not get there before its key.</summary>
    public bool IsPublished(DataKey key, IObjectStore store) => !Copies(key).Any(copy => repositories.Debts.IsOwed(store.Name, copy));

    /// <summary>The key to seal with now; its documents are in as many repositories as are required.</summary>
    /// <exception cref="KeyUnavailableException">No usable recipient.</exception>
    /// <exception cref="StorageException">A repository could not take the key document.</exception>
    /// <exception cref="RefusedInputException">The state directory cannot be written.</exception>
    public async Task<DataKey> GetAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            var now = clock.GetUtcNow();
            if (_key is { } current && now - current.Created < DataKeyCache.Lifetime && now - _published < Recheck)
            {
                return current;
            }

            var wrapFor = recipients();
            await using var held = await LockAsync(cancellation);
            var key = Current(wrapFor, now);
            await PublishAsync(key, wrapFor, cancellation);
            _key = key;
            _published = now;
            return key;
        }
        finally
        {
            _gate.Release();
        }
    }

    // Kept before it is published: a host that cannot keep its key would leave another one in the repositories at each try.
    DataKey Current(IReadOnlyList<Recipient> wrapFor, DateTimeOffset now)
    {
        var ids = wrapFor.Select(r => r.Id).ToArray();
        if (cache.Current(ids) is { } kept)
        {
            return kept;
        }

        var made = DataKey.Create(now);
        try
        {
            cache.Store(made, ids);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }

        return made;
    }

    async Task<FileStream> LockAsync(CancellationToken cancellation)
    {
        try
        {
            return await StateFile.LockAsync(Path.Combine(stateDirectory, "data-key.lock"), clock, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }
    }

    RefusedInputException Unwritable(Exception e) => new(
        $"the data key cannot be kept in the state directory {stateDirectory}: {e.Message}", "nothing is acknowledged; make room in the state directory, and check its owner", e);

    string[] Copies(DataKey key) => [RepositoryLayout.DataKey(key.Id), RepositoryLayout.ServiceDataKey(service, key.Id)];

    async Task PublishAsync(DataKey key, IReadOnlyList<Recipient> wrapFor, CancellationToken cancellation)
    {
        // One document for all, so that its copies are equal.
        var json = KeyDocument.Wrap(key, wrapFor).ToJson();
        var copies = Copies(key);
        // Waited for: a repository that is owed the key for a moment would be owed every object of that moment, too.
        await repositories.WriteAsync(copies, Laggards.Await, PublishToAsync, cancellation);

        async Task PublishToAsync(IObjectStore store, CancellationToken token)
        {
            await RepositorySet.RequireInitialisedAsync(store, token);
            foreach (var copy in copies)
            {
                if (await store.StatAsync(copy, token) is not null)
                {
                    continue;
                }

                try
                {
                    await store.PutAsync(copy, ObjectContent.FromMemory(json), PutMode.CreateNew, token);
                }
                catch (ObjectExistsException)
                {
                    // The same key id can only have come from this host; its document is already there.
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _key?.Dispose();
        _gate.Dispose();
    }
}
