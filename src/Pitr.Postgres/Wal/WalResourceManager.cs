namespace Pitr.Postgres.Wal;

/// <summary>Numbers of the resource managers that are looked at: src/include/access/rmgrlist.h, the same in PostgreSQL 14 to 18.</summary>
static class WalResourceManager
{
    public const byte Xlog = 0;
    public const byte Transaction = 1;
    public const byte Storage = 2;
    public const byte Database = 4;
    public const byte Tablespace = 5;
    public const byte RelationMap = 7;
    public const byte Heap2 = 9;
    public const byte Heap = 10;
}
