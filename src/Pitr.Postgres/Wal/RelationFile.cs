namespace Pitr.Postgres.Wal;

/// <summary>Which files a relation is kept in: RelFileLocator (RelFileNode until PostgreSQL 15), src/include/storage/relfilelocator.h.</summary>
/// <param name="Tablespace">Its OID; 1663 pg_default, 1664 pg_global.</param>
/// <param name="Database">Its OID; 0 for a relation that all databases share.</param>
/// <param name="Number">The relation's file number (relfilenode): not its OID, and another one after TRUNCATE, VACUUM FULL and the like.</param>
public readonly record struct RelationFile(uint Tablespace, uint Database, uint Number)
{
    /// <summary>Bytes in the WAL.</summary>
    internal const int Size = 12;

    internal static RelationFile Read(ReadOnlySpan<byte> bytes) => new(
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]));

    /// <summary>As PostgreSQL writes it in messages: tablespace/database/number.</summary>
    public override string ToString() => $"{Tablespace}/{Database}/{Number}";
}
