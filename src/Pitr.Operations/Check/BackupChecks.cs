using Pitr.Operations.Retention;
using Pitr.Operations.Services;

namespace Pitr.Operations.Check;

/// <summary>What every backup of a service that archives no WAL needs: keys, repositories, the lease, and a name that is of this kind.</summary>
/// <param name="service">The service.</param>
/// <param name="list">Takes the results.</param>
sealed class BackupChecks(OpenedService service, CheckList list)
{
    /// <summary>Checks them, one after the other.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (await new StorageChecks(service, list).RunAsync(cancellation))
        {
            await list.CheckAsync("backup lease", () => TryLeaseAsync(cancellation));
            await list.CheckAsync("data key", () => TryKeyAsync(cancellation));
        }
        else
        {
            list.AddNotTried("backup lease");
            list.AddNotTried("data key");
        }
    }

    async Task<string> TryLeaseAsync(CancellationToken cancellation)
    {
        await new KindRegistry(service).ClaimAsync(cancellation);
        await using var lease = await RepositoryLease.AcquireAsync(service, BackupRemoval.BackupLease, cancellation);
        return $"free; the name {service.Name} is of kind {service.Kind}";
    }

    async Task<string> TryKeyAsync(CancellationToken cancellation)
    {
        var key = await service.SealingKeys.GetAsync(cancellation);
        var without = service.Repositories.Stores.Where(store => !service.SealingKeys.IsPublished(key, store)).Select(store => store.Name).ToArray();
        return $"{key.Id}{(without.Length == 0 ? "" : $"; not yet in repository {string.Join(", ", without)}")}";
    }
}
