namespace Pitr.Postgres.Wal.Footprints;

/// <summary>What a transaction did to a relation or a database, as far as the WAL shows.</summary>
public enum FootprintKind
{
    /// <summary>The relation is gone.</summary>
    Drop,

    /// <summary>The relation's files were exchanged for empty ones.</summary>
    Truncate,

    /// <summary>Files were removed that no known relation had: dropped or emptied, that is not known.</summary>
    FilesRemoved,

    /// <summary>The relation's files were cut: VACUUM gave back the empty end of a table. Rows that lay there were deleted before. (TRUNCATE does this only to a relation that is new in its transaction.)</summary>
    FileTruncate,

    /// <summary>The database is gone.</summary>
    DatabaseDrop,

    /// <summary>The relation's files were exchanged for others with the same rows: VACUUM FULL, CLUSTER, REINDEX, ALTER TABLE, another tablespace. Nothing is lost.</summary>
    Rewrite,
}
