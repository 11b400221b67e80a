namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>What was done to a row.</summary>
public enum CatalogChangeKind
{
    Insert,
    Update,
    Delete,

    /// <summary>Changed in its place, at once and whatever becomes of the transaction: statistics by VACUUM, a database that is being dropped.</summary>
    InPlace,
}
