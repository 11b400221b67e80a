using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Counts what is in a repository, from listings and clear documents, without any key.</summary>
/// <param name="store">The repository.</param>
public sealed class RepositoryStats(IObjectStore store)
{
    /// <summary>Counts.</summary>
    /// <param name="progress">Told the number of objects seen so far.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>One line per service and kind, ordered by both; what belongs to no service first.</returns>
    /// <exception cref="StorageException">The listing is not complete: the figures would be wrong.</exception>
    public async Task<IReadOnlyList<RepositoryUsage>> CountAsync(IProgress<long>? progress, CancellationToken cancellation)
    {
        var found = new Dictionary<(string?, RepositoryKeyKind), RepositoryUsage>();
        var seen = 0L;
        await foreach (var item in store.ListAsync("", ListMode.Recursive, cancellation))
        {
            var key = RepositoryKey.Parse(item.Key);
            var place = (key.Service?.Value, key.Kind);
            found[place] = found.TryGetValue(place, out var known)
                ? known with
                {
                    Objects = known.Objects + 1,
                    Bytes = known.Bytes + item.Size,
                    Oldest = item.Modified < known.Oldest ? item.Modified : known.Oldest,
                    Newest = item.Modified > known.Newest ? item.Modified : known.Newest,
                }
                : new RepositoryUsage(place.Value, key.Kind, 1, item.Size, item.Modified, item.Modified);
            if (++seen % 1000 == 0)
            {
                progress?.Report(seen);
            }
        }

        return [.. found.Values.OrderBy(usage => usage.Service, StringComparer.Ordinal).ThenBy(usage => usage.Kind)];
    }

    /// <summary>Finds out what the packs of each service are worth, from the entries of its backups.</summary>
    /// <param name="usages">What <see cref="CountAsync"/> found.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Each service with backups or remains of them, by name: its figures, or why they are not known.</returns>
    /// <exception cref="StorageException">A listing or an entry could not be read to its end.</exception>
    public async Task<IReadOnlyList<(string Service, PackUsage? Usage, string? Reason)>> MeasurePacksAsync(
        IReadOnlyList<RepositoryUsage> usages, CancellationToken cancellation)
    {
        var found = new List<(string, PackUsage?, string?)>();
        foreach (var (service, hasDumps) in usages
            .Where(usage => usage.Service is not null && (IsBackup(usage.Kind) || IsDump(usage.Kind)))
            .Select(usage => (usage.Service!, IsDump(usage.Kind))).Distinct())
        {
            try
            {
                var holdings = await BackupHoldings.ReadAsync(store, new CatalogPlace(ServiceName.Parse(service), hasDumps), cancellation);
                found.Add((service, PackUsage.Of(holdings, ServiceName.Parse(service)), null));
            }
            catch (Exception e) when (e is DamagedRepositoryException or UnsupportedFormatException or RepositoryUnavailableException)
            {
                found.Add((service, null, e.Message));
            }
        }

        return found;
    }

    static bool IsBackup(RepositoryKeyKind kind) => kind is RepositoryKeyKind.Backup or RepositoryKeyKind.Manifest or RepositoryKeyKind.Pack;

    static bool IsDump(RepositoryKeyKind kind) => kind is RepositoryKeyKind.Dump or RepositoryKeyKind.DumpEntry or RepositoryKeyKind.DumpManifest or RepositoryKeyKind.DumpSums;
}
