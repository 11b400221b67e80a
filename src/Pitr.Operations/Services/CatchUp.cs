using System.Collections.Concurrent;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Storage;

namespace Pitr.Operations.Services;

/// <summary>
/// Gives repositories the objects they are owed, from the repositories that hold them. Keys go first and catalog entries last, so a
/// repository never holds what it could not open, nor a backup of which a part is missing.
/// </summary>
/// <param name="service">The service whose debts are paid.</param>
public sealed class CatchUp(OpenedService service) : IDisposable
{
    // Segments are small and the way may be long: several at once, each in memory once.
    const int Parallel = 4;

    const int EntriesStep = 3;

    readonly ObjectCopy _copy = new(Path.Combine(service.StateDirectory, "spool"));
    readonly RepositoryKeys _keys = new(service.Configuration, service.Repositories.Stores, service.Clock, askPassphrase: null);

    /// <summary>Pays what can be paid now. Trouble is no error: what stays owed is in the answer, with the reason.</summary>
    /// <returns>One entry for each repository that was owed something.</returns>
    public async Task<IReadOnlyList<CatchUpResult>> RunAsync(CancellationToken cancellation)
    {
        var results = new List<CatchUpResult>();
        foreach (var store in service.Repositories.Stores)
        {
            // What a write that has just ended still brings there by itself is left to it.
            var owed = service.Repositories.Debts.Owed(store.Name).Where(debt => !service.Repositories.IsUnderway(store, debt.Key)).ToArray();
            if (owed.Length > 0)
            {
                results.Add(await PayAsync(store, owed, cancellation));
            }
        }

        return results;
    }

    async Task<CatchUpResult> PayAsync(IObjectStore store, IReadOnlyList<Debt> owed, CancellationToken cancellation)
    {
        var paid = 0;
        var failures = new ConcurrentQueue<string>();
        if (!service.Repositories.HealthOf(store).MayBeTried)
        {
            return new CatchUpResult(store.Name, 0, owed.Count, service.Repositories.HealthOf(store).Failing);
        }

        try
        {
            // The place of an unmounted disk must not fill with what is owed to the repository on it.
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
        }
        catch (Exception e) when (IsFailure(e))
        {
            return new CatchUpResult(store.Name, 0, owed.Count, e.Message);
        }

        foreach (var step in owed.GroupBy(debt => Order(debt.Key)).OrderBy(group => group.Key))
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = stop.Token };
            await using var lease = step.Key == EntriesStep ? await TryLeaseAsync(store, failures, cancellation) : null;
            if (step.Key == EntriesStep && lease is null)
            {
                break;
            }

            try
            {
                await System.Threading.Tasks.Parallel.ForEachAsync(step.OrderBy(debt => debt.Key, StringComparer.Ordinal), options, async (debt, token) =>
                {
                    try
                    {
                        await PayAsync(store, debt.Key, token);
                        Interlocked.Increment(ref paid);
                    }
                    catch (Exception e) when (IsFailure(e))
                    {
                        failures.Enqueue(e.Message);
                        if (e is StorageException of && of.Repository == store.Name)
                        {
                            // It is down, or full: the rest would fail as well.
                            await stop.CancelAsync();
                        }
                    }
                });
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // Stopped by the repository's own trouble, which is in the failures.
            }

            if (!failures.IsEmpty)
            {
                // What comes later depends on what could not be paid.
                break;
            }
        }

        var left = owed.Count - paid;
        if (left == 0)
        {
            service.Log.Information("repository {Repository} has caught up: {Objects} objects", store.Name, paid);
        }
        else
        {
            service.Log.Warning("repository {Repository} is owed {Objects} objects still: {Reason}", store.Name, left, failures.FirstOrDefault());
        }

        return new CatchUpResult(store.Name, paid, left, failures.FirstOrDefault());
    }

    // While an entry is on its way nobody may find that its packs are needed by no backup of that repository.
    async Task<RepositoryLease?> TryLeaseAsync(IObjectStore store, ConcurrentQueue<string> failures, CancellationToken cancellation)
    {
        try
        {
            var lease = await RepositoryLease.AcquireOnAnsweringAsync(service, BackupRemoval.EntriesLease, cancellation);
            if (lease.Held.Any(held => held.Name == store.Name))
            {
                return lease;
            }

            await lease.DisposeAsync();
            failures.Enqueue($"repository {store.Name}: {service.Repositories.Unanswered.GetValueOrDefault(store.Name) ?? "the lease for catalog entries could not be taken"}");
        }
        catch (Exception e) when (IsFailure(e))
        {
            failures.Enqueue(e.Message);
        }

        return null;
    }

    async Task PayAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        var repositories = service.Repositories;
        Exception? failure = null;
        foreach (var source in repositories.InReadOrder.Where(s => s.Name != store.Name))
        {
            try
            {
                await CopyAsync(source, store, key, cancellation);
                repositories.Debts.Settle(store.Name, key);
                return;
            }
            catch (ObjectNotFoundException)
            {
                // Another one may have it. Only a repository's "no" counts: an unmounted disk has nothing either, and the debt outlives that.
                failure ??= await WhyNotARepositoryAsync(source, cancellation);
            }
            catch (Exception e) when (e is DamagedRepositoryException || (e is StorageException of && of.Repository == source.Name))
            {
                failure ??= e;
            }
        }

        if (failure is not null)
        {
            throw failure;
        }

        // Expired meanwhile: no repository holds it any more, so nobody is owed it.
        service.Log.Warning("{Key} is in no repository any more, and no longer owed to {Repository}", key, store.Name);
        repositories.Debts.Settle(store.Name, key);
    }

    static bool IsFailure(Exception e) => e is StorageException or OperationException or DamagedObjectException or UnsupportedFormatException;

    static async Task<Exception?> WhyNotARepositoryAsync(IObjectStore source, CancellationToken cancellation)
    {
        try
        {
            await RepositorySet.RequireInitialisedAsync(source, cancellation);
            return null;
        }
        catch (Exception e) when (IsFailure(e))
        {
            return e;
        }
    }

    async Task CopyAsync(IObjectStore source, IObjectStore store, string key, CancellationToken cancellation)
    {
        var kind = RepositoryKey.Parse(key).Kind;
        if (kind is RepositoryKeyKind.Backup or RepositoryKeyKind.DumpEntry)
        {
            await BringNeededAsync(source, store, key, kind, cancellation);
        }

        // A pack or manifest of an attempt that was cut short is not the one the catalog names.
        var mode = kind is RepositoryKeyKind.Pack or RepositoryKeyKind.Manifest or RepositoryKeyKind.Dump or RepositoryKeyKind.DumpManifest or RepositoryKeyKind.DumpSums
            ? PutMode.Replace : PutMode.CreateNew;
        var result = await _copy.CopyAsync(source, store, key, VerifyAsync, mode: mode, cancellation: cancellation);
        if (result.Outcome == ObjectCopyOutcome.Conflict && !await EquivalentObjects.AreAsync(source, store, key, cancellation))
        {
            throw new ConflictException(
                $"{key} is in repository {store.Name} with other content than in repository {source.Name}",
                "two servers archive under one service name? nothing was overwritten; `pitr repo get --raw` brings both out for a look");
        }
    }

    // What the host that took the backup has written down is not all that can be missing: packs of older backups, and their keys, may never have
    // been here, or packs may have gone since because nothing here named them.
    async Task BringNeededAsync(IObjectStore source, IObjectStore store, string entryKey, RepositoryKeyKind kind, CancellationToken cancellation)
    {
        var json = await source.ReadAllAsync(entryKey, cancellation);
        var (objects, dataKeys) = kind == RepositoryKeyKind.Backup ? Named(BackupDocument.Parse(json)) : Named(DumpDocument.Parse(json));
        foreach (var id in dataKeys.Select(text => DataKeyId.TryParse(text, out var id) ? id : throw new DamagedObjectException($"{entryKey} names no data key with \"{text}\"")))
        {
            foreach (var key in new[] { RepositoryLayout.DataKey(id), RepositoryLayout.ServiceDataKey(service.Name, id) })
            {
                if (!await store.ExistsAsync(key, cancellation) && await source.ExistsAsync(key, cancellation))
                {
                    await CopyAsync(source, store, key, cancellation);
                }
            }
        }

        foreach (var missing in await BackupObjects.MissingAsync(store, objects, cancellation))
        {
            try
            {
                await CopyAsync(source, store, missing.Key, cancellation);
            }
            catch (ObjectNotFoundException e)
            {
                throw new DamagedRepositoryException(
                    $"repository {store.Name} lacks {missing.Key}, which {entryKey} needs and repository {source.Name} lacks as well",
                    "the entry stays owed; take a new backup if no other repository of the service holds it", e);
            }
        }
    }

    static (IEnumerable<StoredObject> Objects, IReadOnlyList<string> DataKeys) Named(BackupDocument entry) => (BackupObjects.Of(entry), entry.DataKeys);

    static (IEnumerable<StoredObject> Objects, IReadOnlyList<string> DataKeys) Named(DumpDocument entry) => (DumpObjects.Of(entry), entry.DataKeys);

    async Task VerifyAsync(string key, ObjectContent content, CancellationToken cancellation)
    {
        try
        {
            await new ObjectOpener(_keys).VerifyAsync(key, content, cancellation);
        }
        catch (KeyUnavailableException)
        {
            // A host without identity opens only what it sealed lately itself. The structure was checked; that is all this host can say.
        }
    }

    static int Order(string key) => RepositoryKey.Parse(key).Kind switch
    {
        RepositoryKeyKind.DataKey => 0,
        RepositoryKeyKind.Service => 1,
        RepositoryKeyKind.Backup or RepositoryKeyKind.DumpEntry => EntriesStep,
        _ => 2,
    };

    /// <inheritdoc/>
    public void Dispose() => _keys.Dispose();
}
