using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>
/// Makes sure that one piece of work at a time runs for a service: a lock between the processes of this host, and a lease object in
/// each repository between hosts. The kernel frees the first when its holder dies; the second expires when it is not renewed.
/// </summary>
public sealed class RepositoryLease : IAsyncDisposable
{
    /// <summary>A lease that was not renewed for this long belongs to nobody.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    static readonly TimeSpan RenewEvery = TimeSpan.FromMinutes(2);

    readonly OpenedService _service;
    readonly string _key;
    readonly string _owner = Guid.NewGuid().ToString("N");
    readonly string _hostId;
    readonly FileStream _hostLock;
    readonly List<IObjectStore> _held = [];
    readonly CancellationTokenSource _lost = new();
    readonly CancellationTokenSource _released = new();
    Task _renewing = Task.CompletedTask;
    DateTimeOffset _certainSince;

    RepositoryLease(OpenedService service, string name, FileStream hostLock)
    {
        _service = service;
        _key = RepositoryLayout.Lock(service.Name, name);
        _hostLock = hostLock;
        _certainSince = service.Clock.GetUtcNow();
        // Not the host's name, which two hosts may share: whose lock file guards the lease is what counts.
        _hostId = StateFile.ReadOrCreateId(Path.Combine(service.StateDirectory, "host-id"));
    }

    /// <summary>Cancelled when another host took the lease over because ours could not be renewed in time.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>The repositories it was taken on, in configured order.</summary>
    public IReadOnlyList<IObjectStore> Held => [.. _service.Repositories.Stores.Where(_held.Contains)];

    /// <summary>
    /// Refuses to go on when renewing has failed for so long that another host may soon take the lease over. For work that cannot be undone, before each
    /// step of it: a host that slept finds out here, before it has been told.
    /// </summary>
    /// <exception cref="BusyException">The lease is not certain.</exception>
    public void RequireCertain()
    {
        if (_lost.IsCancellationRequested || _service.Clock.GetUtcNow() - _certainSince > Lifetime - RenewEvery)
        {
            throw new BusyException($"the lease {_key} could not be renewed in time and may belong to another host by now", "nothing more was done; run it again");
        }
    }

    /// <summary>
    /// Takes the lease on every repository that answers. Nobody who holds the lease on as many as are required can run beside this one as long as the
    /// answers are not <see cref="RepositorySet.IsIncomplete"/>.
    /// </summary>
    /// <inheritdoc cref="AcquireAsync"/>
    public static Task<RepositoryLease> AcquireOnAnsweringAsync(OpenedService service, string name, CancellationToken cancellation) => AcquireAsync(
        service,
        name,
        async lease =>
        {
            var answers = await service.Repositories.AskAllAsync(
                async (store, token) =>
                {
                    try
                    {
                        await lease.TakeAsync(store, token);
                        return null;
                    }
                    catch (Exception e) when (e is UnsupportedFormatException or OperationException and not RepositoryUnavailableException)
                    {
                        // Not a repository's trouble but the end of it, when the others have answered as well.
                        return e;
                    }
                },
                cancellation);
            if (answers.Select(a => a.Answer).FirstOrDefault(refusal => refusal is not null) is { } refusal)
            {
                ExceptionDispatchInfo.Throw(refusal);
            }
        });

    /// <summary>Takes the lease on the repositories of the service, on as many as are required at least.</summary>
    /// <param name="service">The service.</param>
    /// <param name="name">What is locked, e.g. "backup".</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="BusyException">Somebody else holds it.</exception>
    public static Task<RepositoryLease> AcquireAsync(OpenedService service, string name, CancellationToken cancellation) =>
        // Nobody is owed a lease. A repository that comes back meanwhile is without it; backups do not disturb each other's objects.
        AcquireAsync(service, name, lease => service.Repositories.WriteAsync([], Laggards.Await, lease.TakeAsync, cancellation));

    static async Task<RepositoryLease> AcquireAsync(OpenedService service, string name, Func<RepositoryLease, Task> take)
    {
        var hostLock = StateFile.TryLock(Path.Combine(service.StateDirectory, $"{name}.lock")) ?? throw new BusyException(
            $"another process on this host holds the {name} lock of service {service.Name}",
            "wait for it to end; the lock frees itself when that process ends, however it ends");
        var lease = new RepositoryLease(service, name, hostLock);
        try
        {
            await take(lease);
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }

        lease._renewing = lease.RenewAsync();
        return lease;
    }

    async Task TakeAsync(IObjectStore store, CancellationToken cancellation)
    {
        // The first that a backup writes: it must not turn the place of an unmounted disk into a directory that takes the rest.
        await RepositorySet.RequireInitialisedAsync(store, cancellation);
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                await store.PutAsync(_key, Content(), PutMode.CreateNew, cancellation);
                lock (_held)
                {
                    _held.Add(store);
                }

                return;
            }
            catch (ObjectExistsException)
            {
                var holder = await ReadAsync(store, cancellation);
                // We hold this host's lock, so a lease of this host was left behind by a process that is no more.
                if (holder is not null && holder.HostId != _hostId && holder.Expires > _service.Clock.GetUtcNow())
                {
                    throw new BusyException(
                        $"host {holder.Host} (process {holder.Process}) holds the lease {_key} in repository {store.Name} until {holder.Expires:u}",
                        "one at a time per service; if that host is gone for good, wait until the lease has expired");
                }

                await store.DeleteAsync(_key, cancellation);
            }
        }

        throw new BusyException($"the lease {_key} in repository {store.Name} was taken by another host in this moment", "try again");
    }

    async Task RenewAsync()
    {
        while (!_released.IsCancellationRequested)
        {
            await Task.Delay(RenewEvery, _service.Clock, _released.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_released.IsCancellationRequested)
            {
                return;
            }

            var started = _service.Clock.GetUtcNow();
            var renewed = 0;
            foreach (var store in _held)
            {
                try
                {
                    if (await ReadAsync(store, _released.Token) is { } holder && holder.Owner != _owner)
                    {
                        _service.Log.Error("the lease {Key} in repository {Repository} now belongs to host {Host}", _key, store.Name, holder.Host);
                        await _lost.CancelAsync();
                        return;
                    }

                    await store.PutAsync(_key, Content(), PutMode.Renew, _released.Token);
                    renewed++;
                }
                catch (OperationCanceledException)
                {
                    return;
                }
                catch (StorageException e)
                {
                    // The next round renews; the lease outlives several failed ones.
                    _service.Log.Warning("the lease {Key} could not be renewed: {Reason}", _key, e.Message);
                }
            }

            _certainSince = renewed == _held.Count ? started : _certainSince;
        }
    }

    async Task<LeaseDocument?> ReadAsync(IObjectStore store, CancellationToken cancellation)
    {
        var json = await store.TryReadAllAsync(_key, cancellation);
        try
        {
            return json is null ? null : JsonSerializer.Deserialize(json, LeaseJson.Default.LeaseDocument);
        }
        catch (JsonException)
        {
            // Unreadable means no living holder can be named; treat as expired.
            return null;
        }
    }

    ObjectContent Content() => ObjectContent.FromMemory(DocumentDigest.Append(JsonSerializer.SerializeToUtf8Bytes(
        new LeaseDocument(_owner, _hostId, Environment.MachineName, Environment.ProcessId, _service.Clock.GetUtcNow() + Lifetime),
        LeaseJson.Default.LeaseDocument)));

    /// <summary>Gives the lease back.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _released.CancelAsync();
            await _renewing;
            foreach (var store in _held.Where(_ => !_lost.IsCancellationRequested))
            {
                try
                {
                    // After a long sleep of this host it may be another's by now.
                    if (await ReadAsync(store, CancellationToken.None) is not { } holder || holder.Owner == _owner)
                    {
                        await store.DeleteAsync(_key, CancellationToken.None);
                    }
                }
                catch (StorageException e)
                {
                    _service.Log.Warning("the lease {Key} could not be given back and expires by itself: {Reason}", _key, e.Message);
                }
            }
        }
        finally
        {
            await _hostLock.DisposeAsync();
            _released.Dispose();
            _lost.Dispose();
        }
    }
}
