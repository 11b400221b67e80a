using System.Buffers.Binary;
using System.Text;

namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>
/// Reads the fixed columns at the beginning of rows of pg_class, pg_namespace and pg_database: they are never null, so they lie at the same
/// places in every row (src/include/catalog of PostgreSQL 14 to 18; 18 added a column to pg_class before the last two).
/// </summary>
static class CatalogRow
{
    const int NameLength = 64;
    const int NameOffset = 4;
    const int NamespaceOffset = 68;
    const int FileOffset = 88;
    const int TablespaceOffset = 92;

    /// <summary>The OID and the name, the first two columns of all three; null when the bytes are too few or no name.</summary>
    public static (uint Oid, string Name)? ReadName(ReadOnlySpan<byte> row)
    {
        if (row.Length < NameOffset + NameLength)
        {
            return null;
        }

        var name = row.Slice(NameOffset, NameLength);
        var end = name.IndexOf((byte)0);
        return end <= 0 ? null : (BinaryPrimitives.ReadUInt32LittleEndian(row), Encoding.UTF8.GetString(name[..end]));
    }

    /// <summary>
    /// Whether a row of pg_database says that DROP DATABASE has begun: from then on nobody can connect to it, even if it is not dropped
    /// after all (DATCONNLIMIT_INVALID_DB, since 2023 in all versions).
    /// </summary>
    public static bool IsInvalidDatabase(ReadOnlySpan<byte> row, int majorVersion)
    {
        const int invalid = -2;
        // Until 14 collation and character type, 64 bytes each, lie before it.
        var limit = majorVersion < 15 ? 208 : 80;
        return row.Length >= limit + sizeof(int) && BinaryPrimitives.ReadInt32LittleEndian(row[limit..]) == invalid;
    }

    /// <summary>A row of pg_class; null when the bytes are none.</summary>
    public static RelationRow? ReadRelation(ReadOnlySpan<byte> row, int majorVersion)
    {
        var persistence = majorVersion >= 18 ? 118 : 114;
        if (row.Length < persistence + 2 || ReadName(row) is not { } named)
        {
            return null;
        }

        return new RelationRow(
            named.Oid,
            named.Name,
            BinaryPrimitives.ReadUInt32LittleEndian(row[NamespaceOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(row[FileOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(row[TablespaceOffset..]),
            (char)row[persistence],
            (char)row[persistence + 1]);
    }
}
