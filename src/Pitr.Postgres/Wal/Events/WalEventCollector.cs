using System.Buffers.Binary;
using System.Text;
using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Events;

/// <summary>Turns records into events.</summary>
sealed class WalEventCollector(WalEventKinds kinds, CatalogFiles catalogs) : IWalRecordVisitor
{
    const byte HighBits = 0xF0;
    const byte CheckpointShutdown = 0x00;
    const byte CheckpointOnline = 0x10;
    const byte PageImageForHint = 0xA0;
    const byte PageImage = 0xB0;
    const byte SmgrCreate = 0x10;
    const byte SmgrTruncate = 0x20;
    const byte DatabaseDrop14 = 0x10;
    const byte DatabaseDrop = 0x20;
    const byte TablespaceCreate = 0x00;
    const int RecordHeader = WalRecordWalker.RecordHeaderSize;

    public List<WalEvent> Events { get; } = [];

    public bool MayWant(byte resourceManager, byte info) => resourceManager switch
    {
        WalResourceManager.Xlog => (info & HighBits) switch
        {
            WalRestorePoint.Info => kinds.HasFlag(WalEventKinds.RestorePoints),
            CheckpointShutdown or CheckpointOnline => kinds.HasFlag(WalEventKinds.Checkpoints),
            PageImage or PageImageForHint => kinds.HasFlag(WalEventKinds.Catalogs),
            _ => false,
        },
        WalResourceManager.Transaction => kinds.HasFlag(WalEventKinds.TransactionEnds) && WalTransactionEnd.Is(info),
        WalResourceManager.Storage or WalResourceManager.Database => kinds.HasFlag(WalEventKinds.Files),
        WalResourceManager.Tablespace => kinds.HasFlag(WalEventKinds.Tablespaces) && (info & HighBits) == TablespaceCreate,
        WalResourceManager.Heap => kinds.HasFlag(WalEventKinds.Catalogs) || (kinds.HasFlag(WalEventKinds.Files) && IsHeapTruncate(info)),
        WalResourceManager.Heap2 => kinds.HasFlag(WalEventKinds.Catalogs),
        _ => false,
    };

    public bool Wants(ReadOnlySpan<byte> start, int majorVersion)
    {
        const int infoOffset = 16;
        const int resourceManagerOffset = 17;
        var (info, resourceManager) = (start[infoOffset], start[resourceManagerOffset]);
        var isCatalogs = resourceManager is WalResourceManager.Heap2
            || (resourceManager == WalResourceManager.Heap && !IsHeapTruncate(info))
            || (resourceManager == WalResourceManager.Xlog && (info & HighBits) is PageImage or PageImageForHint);
        return !isCatalogs || (WalBlockReader.TryPeekRelation(start[RecordHeader..], majorVersion, out var relation) && catalogs.Find(relation) is not null);
    }

    public void Visit(in WalRecord record)
    {
        switch (record.ResourceManager)
        {
            case WalResourceManager.Transaction:
                Add(WalTransactionEnd.Read(in record));
                break;
            case WalResourceManager.Xlog when (record.Info & HighBits) == WalRestorePoint.Info:
                Add(WalRestorePoint.Read(in record));
                break;
            case WalResourceManager.Xlog when (record.Info & HighBits) is CheckpointShutdown or CheckpointOnline:
                Add(ReadCheckpoint(in record));
                break;
            case WalResourceManager.Storage:
                Add(ReadStorage(in record));
                break;
            case WalResourceManager.Database:
                Add(ReadDatabase(in record));
                break;
            case WalResourceManager.Tablespace:
                Add(ReadTablespace(in record));
                break;
            case WalResourceManager.Heap when IsHeapTruncate(record.Info):
                Add(ReadTruncate(in record));
                break;
            default:
                CatalogRecords.Read(in record, catalogs, Events);
                break;
        }
    }

    static bool IsHeapTruncate(byte info) => (info & CatalogRecords.HeapOperationMask) == CatalogRecords.HeapTruncate;

    void Add(WalEvent? found)
    {
        if (found is not null)
        {
            Events.Add(found);
        }
    }

    static WalCheckpoint? ReadCheckpoint(in WalRecord record) =>
        record.TryReadMainData(out var main) && main.Length >= sizeof(ulong)
            ? new WalCheckpoint(record.Position, new Lsn(BinaryPrimitives.ReadUInt64LittleEndian(main)))
            : null;

    // src/include/catalog/storage_xlog.h: xl_smgr_create has the files and the fork, xl_smgr_truncate blocks, files and flags.
    static WalEvent? ReadStorage(in WalRecord record)
    {
        if (!record.TryReadMainData(out var main))
        {
            return null;
        }

        switch (record.Info & HighBits)
        {
            case SmgrCreate when main.Length >= RelationFile.Size + sizeof(int):
                const int mainFork = 0;
                return BinaryPrimitives.ReadInt32LittleEndian(main[RelationFile.Size..]) == mainFork
                    ? new WalFileCreated(record.Position, record.Transaction, RelationFile.Read(main))
                    : null;
            case SmgrTruncate when main.Length >= sizeof(uint) + RelationFile.Size:
                return new WalFileTruncated(
                    record.Position, record.Transaction, RelationFile.Read(main[sizeof(uint)..]), BinaryPrimitives.ReadUInt32LittleEndian(main));
            default:
                return null;
        }
    }

    // src/include/commands/tablespace.h: the OID, and the path with a zero at its end.
    static WalTablespaceCreated? ReadTablespace(in WalRecord record)
    {
        if (!record.TryReadMainData(out var main) || main.Length <= sizeof(uint))
        {
            return null;
        }

        var path = main[sizeof(uint)..];
        var end = path.IndexOf((byte)0);
        return new WalTablespaceCreated(
            record.Position, record.Transaction, BinaryPrimitives.ReadUInt32LittleEndian(main), Encoding.UTF8.GetString(end < 0 ? path : path[..end]));
    }

    // src/include/commands/dbcommands_xlog.h: a second way to create a database moved the number of DROP in PostgreSQL 15.
    static WalDatabaseDropped? ReadDatabase(in WalRecord record) =>
        (record.Info & HighBits) == (record.MajorVersion < 15 ? DatabaseDrop14 : DatabaseDrop) && record.TryReadMainData(out var main) && main.Length >= sizeof(uint)
            ? new WalDatabaseDropped(record.Position, record.Transaction, BinaryPrimitives.ReadUInt32LittleEndian(main))
            : null;

    // src/include/access/heapam_xlog.h: database, number of tables, flags (padded), their OIDs.
    static WalTablesTruncated? ReadTruncate(in WalRecord record)
    {
        if (!record.TryReadMainData(out var main))
        {
            return null;
        }

        var bytes = new WalBytes(main);
        var database = bytes.UInt32();
        var count = bytes.UInt32();
        bytes.UInt32();
        var oids = bytes.Take((long)count * sizeof(uint));
        if (bytes.IsShort)
        {
            return null;
        }

        var relations = new uint[count];
        for (var i = 0; i < relations.Length; i++)
        {
            relations[i] = BinaryPrimitives.ReadUInt32LittleEndian(oids[(i * sizeof(uint))..]);
        }

        return new WalTablesTruncated(record.Position, record.Transaction, database, relations);
    }
}
