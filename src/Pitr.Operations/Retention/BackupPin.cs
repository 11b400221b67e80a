using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Retention;

/// <summary>
/// Pins a backup, so that neither the rules nor a name remove it, or takes the pin away. It is a member of the backup's entry: a copy of the entry anywhere that is pinned protects the backup everywhere.
/// Holds the leases of a removal, so that none runs beside it and no owed entry comes from before it.
/// </summary>
/// <param name="service">Whose backup.</param>
public sealed class BackupPin(OpenedService service)
{
    /// <summary>Sets it.</summary>
    /// <param name="id">The backup.</param>
    /// <param name="reason">Why it must stay; null: it need not any more.</param>
    /// <param name="until">When that ends; null: never.</param>
    /// <param name="cancellation">Ends the work; some repositories may have it.</param>
    /// <returns>The entry as it is now, and the repositories that could not be told, each with the reason: a pin protects in all of them all the same, but one that is to go stays there.</returns>
    /// <exception cref="BusyException">A backup or removal runs.</exception>
    /// <exception cref="RefusedInputException">No repository that answers has such a backup.</exception>
    /// <exception cref="StorageException">No repository could be written.</exception>
    public async Task<(ICatalogEntry Entry, IReadOnlyDictionary<string, string> Untold)> SetAsync(BackupId id, string? reason, DateTimeOffset? until, CancellationToken cancellation)
    {
        await using var lease = await RepositoryLease.AcquireOnAnsweringAsync(service, BackupRemoval.BackupLease, cancellation);
        await using var entries = await RepositoryLease.AcquireOnAnsweringAsync(service, BackupRemoval.EntriesLease, cancellation);
        var place = CatalogPlace.Of(service);
        var key = place.EntryKey(id);
        var untold = new Dictionary<string, string>(service.Repositories.Unanswered, StringComparer.Ordinal);
        ICatalogEntry? entry = null;
        StorageException? failure = null;
        foreach (var store in lease.Held.Intersect(entries.Held))
        {
            try
            {
                if (await store.TryReadAllAsync(key, cancellation) is { } json)
                {
                    var changed = place.Parse(json).WithPin(reason, reason is null ? null : until);
                    lease.RequireCertain();
                    entries.RequireCertain();
                    await store.PutAsync(key, ObjectContent.FromMemory(changed.ToJson()), PutMode.Replace, cancellation);
                    entry = changed;
                }
            }
            catch (StorageException e)
            {
                (failure, untold[store.Name]) = (e, e.Message);
            }
        }

        return entry is not null ? (entry, untold)
            : throw (failure as Exception ?? new RefusedInputException($"service {service.Name} has no backup {id}", $"`pitr info {service.Name}` shows which there are"));
    }
}
