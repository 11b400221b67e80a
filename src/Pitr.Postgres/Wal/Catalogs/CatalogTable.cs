namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>The system catalogs whose rows are followed through the WAL.</summary>
public enum CatalogTable
{
    /// <summary>pg_class: names, files and kinds of relations.</summary>
    Class,

    /// <summary>pg_namespace: names of schemas.</summary>
    Namespace,

    /// <summary>pg_database, shared by all databases.</summary>
    Database,
}
