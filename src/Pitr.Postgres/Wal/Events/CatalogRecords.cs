using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Events;

/// <summary>
/// Reads what records of the heap say about rows of system catalogs (src/include/access/heapam_xlog.h and heap_xlog_update() of PostgreSQL 15
/// src/backend/access/heap/heapam.c; the same in 14 to 18). Rows that come many in a record (multi-insert) are not read: the three catalogs do not use it.
/// </summary>
static class CatalogRecords
{
    public const byte HeapOperationMask = 0x70;
    public const byte HeapTruncate = 0x30;

    const byte HeapInsert = 0x00;
    const byte HeapDelete = 0x10;
    const byte HeapUpdate = 0x20;
    const byte HeapHotUpdate = 0x40;
    const byte HeapInPlace = 0x70;
    const byte PrefixFromOld = 0x20;
    const byte SuffixFromOld = 0x40;
    const int TupleHeaderSize = 23;

    /// <summary>Adds the pages that the record has whole, then what it does to a row.</summary>
    public static void Read(in WalRecord record, CatalogFiles catalogs, List<WalEvent> events)
    {
        if (!record.TryRead(out var blocks, out var main))
        {
            return;
        }

        Change? change = null;
        uint? oldBlock = null;
        for (var first = true; blocks.MoveNext(); first = false)
        {
            const int mainFork = 0;
            if (blocks.Fork != mainFork || catalogs.Find(blocks.Relation) is not { } table)
            {
                continue;
            }

            if (!blocks.Image.IsEmpty)
            {
                AddPage(in record, in blocks, table, events);
            }

            if (first)
            {
                change = new Change(table, blocks.Relation.Database, blocks.Block, blocks.Data.ToArray());
            }
            else
            {
                oldBlock ??= blocks.Block;
            }
        }

        if (change is { } found && record.ResourceManager == WalResourceManager.Heap && ReadChange(in record, found, oldBlock ?? found.Block, main) is { } row)
        {
            events.Add(row);
        }
    }

    static void AddPage(in WalRecord record, in WalBlockReader block, CatalogTable table, List<WalEvent> events)
    {
        Span<byte> page = stackalloc byte[WalPageImage.PageSize];
        if (WalPageImage.TryRestore(in block, record.MajorVersion, page))
        {
            events.Add(new WalCatalogPage(record.Position, table, block.Relation.Database, block.Block, HeapPage.ReadRows(page)));
        }
    }

    static WalCatalogChange? ReadChange(in WalRecord record, Change change, uint oldBlock, ReadOnlySpan<byte> main)
    {
        var bytes = new WalBytes(main);
        var data = new WalBytes(change.Data);
        switch (record.Info & HeapOperationMask)
        {
            case HeapInsert:
                var inserted = bytes.UInt16();
                return bytes.IsShort ? null : Of(in record, CatalogChangeKind.Insert, inserted) with { Data = ReadRow(ref data) };
            case HeapDelete:
                bytes.UInt32();
                var deleted = bytes.UInt16();
                return bytes.IsShort ? null : Of(in record, CatalogChangeKind.Delete, deleted);
            case HeapInPlace:
                var overwritten = bytes.UInt16();
                return bytes.IsShort ? null : Of(in record, CatalogChangeKind.InPlace, overwritten) with { Data = change.Data.Length == 0 ? null : change.Data };
            case HeapUpdate or HeapHotUpdate:
                bytes.UInt32();
                var old = bytes.UInt16();
                bytes.Byte();
                var flags = bytes.Byte();
                bytes.UInt32();
                var updated = bytes.UInt16();
                if (bytes.IsShort)
                {
                    return null;
                }

                var prefix = (flags & PrefixFromOld) != 0 ? data.UInt16() : 0;
                var suffix = (flags & SuffixFromOld) != 0 ? data.UInt16() : 0;
                return Of(in record, CatalogChangeKind.Update, updated) with { Old = (oldBlock, old), Prefix = prefix, Suffix = suffix, Data = ReadRow(ref data) };
            default:
                return null;
        }

        WalCatalogChange Of(in WalRecord record, CatalogChangeKind kind, ushort offset) =>
            new(record.Position, record.Transaction, kind, change.Table, change.Database, change.Block, offset);
    }

    // xl_heap_header (two masks, offset of the data), then the tuple from behind its fixed header: bitmap of nulls, padding, data.
    static byte[]? ReadRow(ref WalBytes data)
    {
        if (data.Length == 0)
        {
            return null;
        }

        data.UInt32();
        var offset = data.Byte();
        data.Take(offset - TupleHeaderSize);
        return data.IsShort ? null : data.Take(data.Length).ToArray();
    }

    readonly record struct Change(CatalogTable Table, uint Database, uint Block, byte[] Data);
}
