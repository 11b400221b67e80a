using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Retention;

/// <summary>Removes WAL that nothing is recovered with any more: behind the backups that go, and after their entries are gone.</summary>
/// <param name="service">Whose WAL.</param>
sealed class WalRemoval(PostgresService service)
{
    const int Parallel = 8;

    /// <summary>Reads what the repositories hold, as of now.</summary>
    /// <param name="stores">All that answer.</param>
    /// <param name="backups">Backups of the service; they say how large a segment is.</param>
    /// <param name="cancellation">Ends the listing.</param>
    /// <exception cref="StorageException">A repository could not be listed to its end: it is not known what is needed.</exception>
    public async Task<IReadOnlyList<WalHoldings>> ReadAsync(IEnumerable<IObjectStore> stores, IEnumerable<BackupDocument> backups, CancellationToken cancellation)
    {
        if (backups.FirstOrDefault() is not { } any)
        {
            return [];
        }

        var holdings = new List<WalHoldings>();
        foreach (var store in stores)
        {
            holdings.Add(await WalHoldings.ReadAsync(store, service.Name, WalSegmentSize.From(any.WalSegmentSize), cancellation));
        }

        return holdings;
    }

    /// <summary>Removes what is not needed from one repository.</summary>
    /// <exception cref="StorageException">The rest is left to the next run.</exception>
    public static Task RemoveAsync(WalHoldings held, NeededWal needed, Action requireCertain, CancellationToken cancellation) =>
        System.Threading.Tasks.Parallel.ForEachAsync(
            held.NeedlessKeys(needed),
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (key, token) =>
            {
                requireCertain();
                await held.Store.DeleteAsync(key, token);
            });
}
