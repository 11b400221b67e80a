using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Events;

/// <summary>What one segment holds of the events looked for.</summary>
/// <param name="Edges">To be put together with its neighbours.</param>
/// <param name="Events">Of the records that lie wholly in the segment, in order; those up to its damage, if it has any.</param>
public sealed record WalSegmentEvents(WalSegmentEdges Edges, IReadOnlyList<WalEvent> Events)
{
    /// <summary>Walks a segment and looks for events; nothing is thrown whatever the content.</summary>
    /// <param name="segment">The segment's bytes from its start; may be cut short anywhere.</param>
    /// <param name="header">Its header.</param>
    /// <param name="kinds">What to look for.</param>
    /// <param name="catalogs">Where the system catalogs lie.</param>
    /// <param name="verify">Whether the checksums of all records are looked at, not only of those that are read.</param>
    public static WalSegmentEvents Scan(ReadOnlySpan<byte> segment, WalSegmentHeader header, WalEventKinds kinds, CatalogFiles? catalogs = null, bool verify = false)
    {
        ArgumentNullException.ThrowIfNull(header);
        var collector = new WalEventCollector(kinds, catalogs ?? new CatalogFiles());
        var edges = WalSegmentWalk.Run(segment, header, collector, verify);
        return new WalSegmentEvents(edges, collector.Events);
    }
}
