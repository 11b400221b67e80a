using System.Buffers.Binary;

namespace Pitr.Postgres.Wal.Catalogs;

/// <summary>Reads the rows of a heap page (PageHeaderData, ItemIdData and HeapTupleHeaderData; the same in PostgreSQL 14 to 18).</summary>
static class HeapPage
{
    const int HeaderSize = 24;
    const int LowerOffset = 12;
    const int LinePointerSize = 4;
    const int Normal = 1;
    const int DataOffsetOffset = 22;
    const int TupleHeaderSize = 23;

    /// <summary>The data of every row that has storage, by line pointer, counted from 1. Impossible ones are left out.</summary>
    public static Dictionary<ushort, byte[]> ReadRows(ReadOnlySpan<byte> page)
    {
        var rows = new Dictionary<ushort, byte[]>();
        var lower = Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(page[LowerOffset..]), page.Length);
        ushort number = 1;
        for (var at = HeaderSize; at + LinePointerSize <= lower; at += LinePointerSize, number++)
        {
            var pointer = BinaryPrimitives.ReadUInt32LittleEndian(page[at..]);
            var offset = (int)(pointer & 0x7FFF);
            var length = (int)(pointer >> 17);
            if (((pointer >> 15) & 3) != Normal || length < TupleHeaderSize || offset + length > page.Length)
            {
                continue;
            }

            var tuple = page.Slice(offset, length);
            var data = tuple[DataOffsetOffset];
            if (data >= TupleHeaderSize && data <= length)
            {
                rows[number] = tuple[data..].ToArray();
            }
        }

        return rows;
    }
}
