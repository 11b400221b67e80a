namespace Pitr.Postgres.Wal.Footprints;

/// <summary>One thing that a transaction did. What is not known is null.</summary>
/// <param name="Kind">What it did.</param>
/// <param name="Database">OID of the database.</param>
/// <param name="DatabaseName">The database's name, when the WAL tells it.</param>
/// <param name="File">The files that are gone; null when there are none or they are not known.</param>
/// <param name="Oid">OID of the relation.</param>
/// <param name="Schema">Name of its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="RelationKind">As in pg_class: r table, p partitioned table, i index, S sequence, m materialized view, t TOAST table, v view, f foreign table.</param>
public sealed record WalFootprint(
    FootprintKind Kind,
    uint Database,
    string? DatabaseName = null,
    RelationFile? File = null,
    uint? Oid = null,
    string? Schema = null,
    string? Name = null,
    char? RelationKind = null)
{
    /// <summary>Whether something is lost by it.</summary>
    public bool IsDestructive => Kind is not (FootprintKind.Rewrite or FootprintKind.FileTruncate);

    /// <summary>Whether it is about a thing that somebody named in a statement, not about what goes with one: an index, a TOAST table.</summary>
    public bool IsMain => RelationKind is not ('i' or 'I' or 't');
}
