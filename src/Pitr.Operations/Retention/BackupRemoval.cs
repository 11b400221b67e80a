using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Retention;

/// <summary>
/// Removes backups, and what no backup needs any more. An entry goes first: from then on it is no backup. Manifests and packs follow when the entries that are
/// left have been read again. A kill between any two steps leaves no entry that names a missing object, and the next run does the rest. Runs beside no
/// backup: it holds the same lease.
/// </summary>
/// <param name="service">Whose backups.</param>
public sealed class BackupRemoval(OpenedService service)
{
    /// <summary>The lease under which nobody but its holder may bring entries of backups that are older than itself into a repository.</summary>
    internal const string EntriesLease = "entries";

    /// <summary>The lease of whoever takes a backup.</summary>
    internal const string BackupLease = "backup";

    /// <summary>How long objects without a backup stay unless somebody says otherwise: longer than any backup or copy takes.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromHours(24);

    static readonly TimeSpan PatienceWithEntries = TimeSpan.FromMinutes(1);

    const int Parallel = 8;

    readonly PendingRemovals _pending = new(service);
    readonly CatalogPlace _place = CatalogPlace.Of(service);

    /// <summary>How long objects without a backup stay.</summary>
    public TimeSpan Grace { get; init; } = DefaultGrace;

    /// <summary>Whether a repository may be left without any backup.</summary>
    public bool Force { get; init; }

    /// <summary>Finds out what <see cref="RunAsync"/> would do, and changes nothing. May run beside a backup.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public async Task<RemovalReport> PlanAsync(IBackupChoice choice, CancellationToken cancellation)
    {
        var answers = await service.Repositories.AskAllAsync((store, token) => BackupHoldings.ReadAsync(store, _place, token), cancellation);
        service.Repositories.RequireComplete();
        BackupHoldings[] holdings = [.. answers.Select(a => a.Answer)];
        var plan = Plan(choice, holdings);
        var rest = holdings.Select(held => held.Without(plan.Ids)).ToArray();
        var (needed, wal) = await FindNeededWalAsync(choice, rest, cancellation);
        return new RemovalReport(service.Name.Value, plan.Chosen, [.. service.Repositories.Stores.Select(store =>
            Array.FindIndex(rest, held => held.Store.Name == store.Name) is var at and >= 0
                ? WithWal(Planned(holdings[at], Sweep(rest[at], rest, plan), plan), wal.FirstOrDefault(w => w.Store.Name == store.Name), needed)
                : Left(store, plan, service.Repositories.Unanswered[store.Name]))]) { HasDumps = _place.HasDumps };
    }

    /// <summary>Removes.</summary>
    /// <param name="choice">Which backups go.</param>
    /// <param name="cancellation">Ends the work; the next run goes on.</param>
    /// <exception cref="BusyException">A backup, or another removal, runs.</exception>
    /// <exception cref="RefusedInputException">A chosen backup does not exist, is pinned, or is the last one of a repository. Nothing was removed.</exception>
    /// <exception cref="RepositoryUnavailableException">So many repositories do not answer that the others may not know every backup. Nothing was removed.</exception>
    /// <exception cref="DamagedRepositoryException">An entry makes no sense. Nothing was removed.</exception>
    /// <exception cref="StorageException">The catalog of a repository could not be read to its end. Nothing was removed.</exception>
    public async Task<RemovalReport> RunAsync(IBackupChoice choice, CancellationToken cancellation)
    {
        await using var lease = await RepositoryLease.AcquireOnAnsweringAsync(service, BackupLease, cancellation);
        service.Repositories.RequireComplete();
        await using var entries = await AcquireEntriesAsync(cancellation);
        service.Repositories.RequireComplete();
        var stores = lease.Held.Intersect(entries.Held).ToArray();
        if (service.Repositories.Stores.Count - stores.Length >= service.Repositories.Required)
        {
            throw new RepositoryUnavailableException("repositories come and go, and those that stayed may not know every backup; nothing was removed", "try again");
        }

        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease.Lost, entries.Lost);
        try
        {
            return await RunAsync(choice, stores, RequireCertain, linked.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new BusyException($"the lease of service {service.Name} was lost to another host", "what was begun is finished by the next run", e);
        }

        void RequireCertain()
        {
            lease.RequireCertain();
            entries.RequireCertain();
        }
    }

    // An agent that pays an entry holds it for a moment, which must not end what runs once a day.
    async Task<RepositoryLease> AcquireEntriesAsync(CancellationToken cancellation)
    {
        var until = service.Clock.GetUtcNow() + PatienceWithEntries;
        while (true)
        {
            try
            {
                return await RepositoryLease.AcquireOnAnsweringAsync(service, EntriesLease, cancellation);
            }
            catch (BusyException) when (service.Clock.GetUtcNow() < until)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), service.Clock, cancellation);
            }
        }
    }

    async Task<RemovalReport> RunAsync(IBackupChoice choice, IReadOnlyList<IObjectStore> stores, Action requireCertain, CancellationToken cancellation)
    {
        var before = new List<BackupHoldings>();
        foreach (var store in stores)
        {
            before.Add(await BackupHoldings.ReadAsync(store, _place, cancellation));
        }

        var plan = Plan(choice, before);
        Remember(plan);
        var failures = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var held in before)
        {
            await DoAsync(held.Store, failures, () => RemoveEntriesAsync(held, plan, requireCertain, cancellation));
        }

        // What is needed is read again, now that nothing is left to be decided: an entry that is still there, or came back, is believed.
        var after = new List<BackupHoldings>();
        foreach (var held in before)
        {
            var now = failures.ContainsKey(held.Store.Name) ? null : await DoAsync(held.Store, failures, () => BackupHoldings.ReadAsync(held.Store, _place, cancellation));
            after.Add(now ?? held.Without(plan.Ids));
        }

        var (needed, wal) = await TryFindNeededWalAsync(choice, after, failures, cancellation);
        var removals = new List<RepositoryRemovals>();
        foreach (var store in service.Repositories.Stores)
        {
            var at = before.FindIndex(held => held.Store.Name == store.Name);
            if (at < 0 || failures.ContainsKey(store.Name))
            {
                removals.Add(Left(store, plan, failures.GetValueOrDefault(store.Name) ?? service.Repositories.Unanswered.GetValueOrDefault(store.Name) ?? "the lease could not be taken there"));
                continue;
            }

            var others = after.Select(held => held.Store.Name == store.Name ? held : held.Without(plan.Ids)).ToArray();
            var done = Planned(before[at], Sweep(after[at], others, plan), plan) with { Manifests = 0, Packs = 0, Bytes = 0 };
            foreach (var sweep in Sweep(after[at], others, plan).Dead.GroupBy(part => part.IsPack))
            {
                await DoAsync(store, failures, () => RemovePartsAsync(store, sweep, part => done = Count(done, part), requireCertain, cancellation));
            }

            if (needed is not null && wal.FirstOrDefault(w => w.Store.Name == store.Name) is { } held)
            {
                await DoAsync(store, failures, () => WalRemoval.RemoveAsync(held, needed, requireCertain, cancellation));
                done = failures.ContainsKey(store.Name) ? done : WithWal(done, held, needed);
            }

            // Only now: until then a kill would leave the packs to the grace period.
            foreach (var id in plan.Ids.Where(id => !failures.ContainsKey(store.Name) && !after[at].Entries.ContainsKey(id)))
            {
                _pending.Remove(store.Name, id);
            }

            removals.Add(done with
            {
                Reason = failures.GetValueOrDefault(store.Name),
                Pending = [.. done.Pending.Concat(_pending.In(store.Name).Where(plan.Ids.Contains).Select(id => id.ToString()))],
            });
        }

        return new RemovalReport(service.Name.Value, plan.Chosen, removals) { HasDumps = _place.HasDumps };
    }

    // The entries are gone by now: what else is to be done is done, and WAL stays until the next run.
    async Task<(NeededWal? Needed, IReadOnlyList<WalHoldings> Wal)> TryFindNeededWalAsync(
        IBackupChoice choice, IReadOnlyList<BackupHoldings> rest, Dictionary<string, string> failures, CancellationToken cancellation)
    {
        if (failures.Count > 0)
        {
            return (null, []);
        }

        try
        {
            return await FindNeededWalAsync(choice, rest, cancellation);
        }
        catch (StorageException e)
        {
            service.Log.Warning("repository {Repository}: WAL stays, because it could not be listed: {Reason}", e.Repository, e.Message);
            failures.TryAdd(e.Repository, e.Message);
            return (null, []);
        }
    }

    // With what any repository holds: WAL of one may be what a backup of another is recovered with.
    async Task<(NeededWal? Needed, IReadOnlyList<WalHoldings> Wal)> FindNeededWalAsync(IBackupChoice choice, IReadOnlyList<BackupHoldings> rest, CancellationToken cancellation)
    {
        BackupDocument[] backups = [.. rest.SelectMany(held => held.Entries.Values).OfType<BackupDocument>().DistinctBy(entry => entry.Id)];
        if (!choice.RemovesWal || service is not PostgresService archived)
        {
            return (null, []);
        }

        var wal = await new WalRemoval(archived).ReadAsync(rest.Select(held => held.Store), backups, cancellation);
        return (choice.NeededWal(backups, WalHoldings.Together(wal)), wal);
    }

    static RepositoryRemovals WithWal(RepositoryRemovals removals, WalHoldings? held, NeededWal? needed) =>
        held is not null && needed is not null && held.CountNeedless(needed) is var (files, bytes) ? removals with { WalFiles = files, WalBytes = bytes } : removals;

    RemovalPlan Plan(IBackupChoice choice, IReadOnlyList<BackupHoldings> holdings) =>
        RemovalPlan.Make(service.Name, choice, holdings, [.. service.Repositories.Stores.SelectMany(store => _pending.In(store.Name))], service.Clock.GetUtcNow(), Force);

    Sweep Sweep(BackupHoldings held, IEnumerable<BackupHoldings> all, RemovalPlan plan) =>
        Retention.Sweep.Plan(held, all.Where(other => other.Store.Name != held.Store.Name), plan.Ids, plan.Freed, service.Clock.GetUtcNow(), Grace);

    void Remember(RemovalPlan plan)
    {
        foreach (var store in service.Repositories.Stores)
        {
            foreach (var id in plan.Ids)
            {
                _pending.Add(store.Name, id);
            }
        }
    }

    // Also where there is none: whether this repository ever had the backup does not matter any more.
    async Task RemoveEntriesAsync(BackupHoldings held, RemovalPlan plan, Action requireCertain, CancellationToken cancellation)
    {
        foreach (var id in plan.Ids)
        {
            var key = _place.EntryKey(id);
            if (held.Entries.ContainsKey(id))
            {
                requireCertain();
                await held.Store.DeleteAsync(key, cancellation);
                service.Log.Information("backup {Id} is no more in repository {Repository}", id.ToString(), held.Store.Name);
            }

            service.Repositories.Debts.Settle(held.Store.Name, key);
        }
    }

    static Task RemovePartsAsync(
        IObjectStore store, IEnumerable<BackupPart> parts, Action<BackupPart> removed, Action requireCertain, CancellationToken cancellation) =>
        System.Threading.Tasks.Parallel.ForEachAsync(
            parts,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (part, token) =>
            {
                requireCertain();
                await store.DeleteAsync(part.Key, token);
                lock (removed)
                {
                    removed(part);
                }
            });

    // A repository's own trouble leaves the rest of it to the next run, and does not keep the others from being tidied.
    async Task DoAsync(IObjectStore store, Dictionary<string, string> failures, Func<Task> work)
    {
        await DoAsync<object>(store, failures, async () =>
        {
            await work();
            return store;
        });
    }

    async Task<T?> DoAsync<T>(IObjectStore store, Dictionary<string, string> failures, Func<Task<T>> work)
        where T : class
    {
        try
        {
            return await work();
        }
        catch (StorageException e)
        {
            service.Log.Warning("repository {Repository}: what is left there is removed by the next run: {Reason}", store.Name, e.Message);
            failures.TryAdd(store.Name, e.Message);
            return null;
        }
    }

    RepositoryRemovals Left(IObjectStore store, RemovalPlan plan, string reason) => new(store.Name)
    {
        // Before it is written down, and after: the same.
        Pending = [.. plan.Ids.Union(_pending.In(store.Name)).Order().Select(id => id.ToString())],
        Reason = reason,
    };

    RepositoryRemovals Planned(BackupHoldings before, Sweep sweep, RemovalPlan plan) => sweep.Dead.Aggregate(
        new RepositoryRemovals(before.Store.Name)
        {
            Backups = [.. plan.Ids.Where(before.Entries.ContainsKey).Order().Select(id => id.ToString())],
            Young = sweep.Young.Count,
            YoungBytes = sweep.Young.Sum(part => part.Size),
            Unknown = before.Unknown,
            Pending = [.. _pending.In(before.Store.Name).Where(plan.Postponed.ContainsKey).Select(id => $"{id} {plan.Postponed[id]}")],
        },
        Count);

    static RepositoryRemovals Count(RepositoryRemovals removals, BackupPart part) => removals with
    {
        Manifests = removals.Manifests + (part.IsPack ? 0 : 1),
        Packs = removals.Packs + (part.IsPack ? 1 : 0),
        Bytes = removals.Bytes + part.Size,
    };
}
