using Pitr.Postgres.Wal.Events;

namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>
/// Follows the rows of pg_class, pg_namespace and pg_database through the WAL, so that a relation that was dropped can be named: the
/// row that DROP deletes is known, because each page comes whole in the WAL at its first change after a checkpoint, and each row as it is inserted.
/// What is not known is null, never guessed. Grows with the number of rows seen.
/// </summary>
sealed class CatalogTracker(int majorVersion)
{
    readonly Dictionary<(CatalogTable Table, uint Database, uint Block), Dictionary<ushort, byte[]>> _pages = [];
    readonly Dictionary<(uint Database, uint Oid), string> _namespaces = [];
    readonly Dictionary<uint, string> _databases = [];

    /// <summary>Forgets everything: after a gap in the WAL a row may have made place for another one.</summary>
    public void Clear()
    {
        _pages.Clear();
        _namespaces.Clear();
        _databases.Clear();
    }

    /// <summary>The name of a database.</summary>
    public string? DatabaseName(uint oid) => _databases.GetValueOrDefault(oid);

    /// <summary>The name of a schema.</summary>
    public string? NamespaceName(uint database, uint oid) => oid switch
    {
        // src/include/catalog/pg_namespace.dat
        11 => "pg_catalog",
        99 => "pg_toast",
        _ => _namespaces.TryGetValue((database, oid), out var name) ? name : oid == 2200 ? "public" : null,
    };

    /// <summary>Takes a whole page.</summary>
    public void Apply(WalCatalogPage page)
    {
        _pages[(page.Table, page.Database, page.Block)] = new(page.Rows);
        foreach (var row in page.Rows.Values)
        {
            Learn(page.Table, page.Database, row);
        }
    }

    /// <summary>Takes a change and gives the row before and after it, as far as they are known.</summary>
    public (byte[]? Before, byte[]? After) Apply(WalCatalogChange change)
    {
        var place = (change.Table, change.Database, change.Block);
        switch (change.Kind)
        {
            case CatalogChangeKind.Insert:
                return (null, Put(place, change.Offset, change.Data));
            case CatalogChangeKind.InPlace:
                var overwritten = Find(place, change.Offset);
                return (overwritten, Put(place, change.Offset, change.Data));
            case CatalogChangeKind.Update:
                var before = Find((change.Table, change.Database, change.Old.Block), change.Old.Offset);
                return (before, Put(place, change.Offset, Assemble(change, before)));
            default:
                return (Find(place, change.Offset), null);
        }
    }

    /// <summary>What a row of pg_class says; null when the bytes are none.</summary>
    public RelationRow? ReadRelation(byte[]? row) => row is null ? null : CatalogRow.ReadRelation(row, majorVersion);

    byte[]? Find((CatalogTable Table, uint Database, uint Block) place, ushort offset) =>
        _pages.TryGetValue(place, out var page) && page.TryGetValue(offset, out var row) ? row : null;

    // Without data of its own a record has the whole page, which was taken before; a row that cannot be put together is forgotten.
    byte[]? Put((CatalogTable Table, uint Database, uint Block) place, ushort offset, byte[]? row)
    {
        if (row is null)
        {
            return Find(place, offset);
        }

        if (!_pages.TryGetValue(place, out var page))
        {
            _pages[place] = page = [];
        }

        if (row.Length == 0)
        {
            page.Remove(offset);
            return null;
        }

        page[offset] = row;
        Learn(place.Table, place.Database, row);
        return row;
    }

    static byte[]? Assemble(WalCatalogChange change, byte[]? before)
    {
        if (change.Data is not { } data || (change.Prefix == 0 && change.Suffix == 0))
        {
            return change.Data;
        }

        return before is null || before.Length < change.Prefix || before.Length < change.Suffix
            ? []
            : [.. before.AsSpan(0, change.Prefix), .. data, .. before.AsSpan(before.Length - change.Suffix)];
    }

    void Learn(CatalogTable table, uint database, byte[] row)
    {
        if (table == CatalogTable.Namespace && CatalogRow.ReadName(row) is { } schema)
        {
            _namespaces[(database, schema.Oid)] = schema.Name;
        }
        else if (table == CatalogTable.Database && CatalogRow.ReadName(row) is { } named)
        {
            _databases[named.Oid] = named.Name;
        }
    }
}
