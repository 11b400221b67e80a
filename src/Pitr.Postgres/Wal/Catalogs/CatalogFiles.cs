namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>
/// Which files the system catalogs lie in. They start with their OIDs as numbers (src/include/catalog/pg_class.h and others) and keep them until
/// somebody runs VACUUM FULL on them; what a live server says about that is added.
/// </summary>
public sealed class CatalogFiles
{
    const uint ClassNumber = 1259;
    const uint NamespaceNumber = 2615;
    const uint DatabaseNumber = 1262;

    readonly Dictionary<(uint Database, uint Number), CatalogTable> _moved = [];

    /// <summary>Tells that a catalog of a database lies in other files.</summary>
    public void Add(uint database, uint number, CatalogTable table) => _moved[(database, number)] = table;

    /// <summary>The catalog that lies in these files; null for all other relations.</summary>
    public CatalogTable? Find(RelationFile file) => file switch
    {
        { Number: ClassNumber, Database: > 0 } => CatalogTable.Class,
        { Number: NamespaceNumber, Database: > 0 } => CatalogTable.Namespace,
        { Number: DatabaseNumber, Database: 0 } => CatalogTable.Database,
        _ => _moved.Count > 0 && _moved.TryGetValue((file.Database, file.Number), out var table) ? table : null,
    };
}
