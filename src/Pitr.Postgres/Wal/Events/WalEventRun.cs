using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Events;

/// <summary>
/// Puts the events of a run of segments in order. A record that lies in two segments comes once, with the segment it ends in, so that
/// however a run is cut nothing is lost and nothing counted twice. Segments come in ascending order; a missing one begins a new run.
/// </summary>
/// <param name="kinds">What is looked for, as for the segments.</param>
/// <param name="catalogs">Where the system catalogs lie, as for the segments.</param>
public sealed class WalEventRun(WalEventKinds kinds, CatalogFiles? catalogs = null)
{
    readonly WalRun _run = new();
    readonly CatalogFiles _catalogs = catalogs ?? new CatalogFiles();

    /// <summary>Adds the next segment.</summary>
    /// <param name="segment">What its scan found.</param>
    /// <param name="damage">What is wrong with the segment, or where it meets the one before it; null when nothing is.</param>
    /// <returns>The events that end in it, in order.</returns>
    public IEnumerable<WalEvent> Add(WalSegmentEvents segment, out WalDamage? damage)
    {
        ArgumentNullException.ThrowIfNull(segment);
        var joined = new WalEventCollector(kinds, _catalogs);
        damage = _run.Add(segment.Edges, joined) ?? segment.Edges.Damage;
        return joined.Events.Count == 0 ? segment.Events : joined.Events.Concat(segment.Events);
    }

    /// <summary>Takes the end of the segment before the first one, so that a record that begins there is not lost.</summary>
    /// <param name="before">That segment's edges.</param>
    public void Begin(WalSegmentEdges before) => _run.Add(before, new WalEventCollector(WalEventKinds.None, _catalogs));

    /// <summary>Says that segments are missing: the next one begins a new run.</summary>
    public void Break() => _run.Break();
}
