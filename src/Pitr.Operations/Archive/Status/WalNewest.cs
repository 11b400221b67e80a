using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Status;

/// <summary>Finds the newest segment of a service in one repository by a few short listings, however large the archive is.</summary>
/// <param name="service">The service.</param>
/// <param name="size">The cluster's segment size.</param>
public sealed class WalNewest(ServiceName service, WalSegmentSize size)
{
    /// <summary>The last segment of the highest timeline; null when there is none.</summary>
    /// <exception cref="StorageException">The repository could not be listed.</exception>
    public async Task<(WalSegmentName Segment, DateTimeOffset Stored)?> FindAsync(IObjectStore store, CancellationToken cancellation)
    {
        foreach (var timeline in await PrefixesAsync(store, RepositoryLayout.WalPrefix(service), cancellation))
        {
            foreach (var log in await PrefixesAsync(store, timeline, cancellation))
            {
                if (await LastAsync(store, log, cancellation) is { } last)
                {
                    return last;
                }
            }
        }

        return null;
    }

    // Names have all their digits, so that the last is the highest.
    static async Task<List<string>> PrefixesAsync(IObjectStore store, string prefix, CancellationToken cancellation)
    {
        var prefixes = new List<string>();
        await foreach (var item in store.ListAsync(prefix, ListMode.Children, cancellation))
        {
            if (item.IsPrefix)
            {
                prefixes.Add(item.Key);
            }
        }

        prefixes.Reverse();
        return prefixes;
    }

    async Task<(WalSegmentName Segment, DateTimeOffset Stored)?> LastAsync(IObjectStore store, string prefix, CancellationToken cancellation)
    {
        (WalSegmentName, DateTimeOffset)? last = null;
        await foreach (var item in store.ListAsync(prefix, ListMode.Recursive, cancellation))
        {
            if (RepositoryLayout.TryParseWal(item.Key, out _, out var file) && file is { Kind: WalFileKind.Segment, Segment: { } segment } && segment.IsValidFor(size))
            {
                last = (segment, item.Modified);
            }
        }

        return last;
    }
}
