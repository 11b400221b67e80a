using System.Buffers.Binary;

namespace Pitr.EndToEnd.Tests.Pages;

/// <summary>
/// A page without what replay need not reproduce: checksum, hint bits and the space between the line pointers and the rows (heap_mask(), btree_mask() and
/// bufmask.c of PostgreSQL's wal_consistency_checking).
/// </summary>
static class ComparablePage
{
    const int HeaderSize = 24;
    const int LineNormal = 1;
    const int BTreeSpecialSize = 16;
    const int SequenceSpecialSize = 8;
    const ushort XminFrozen = 0x0300;
    const ushort TransactionBits = 0xFFF0;
    const ushort XmaxBits = 0x0C00;
    const ushort HasGarbage = 1 << 6;
    const ushort Deleted = 1 << 2;
    const ushort HalfDead = 1 << 4;
    const ushort LogicalFlags = 0x0003;

    /// <summary>Makes two pages that replay would make from one another the same.</summary>
    public static void Mask(Span<byte> page)
    {
        int lower = Word(page, 12), upper = Word(page, 14), special = Word(page, 16);
        if (upper == 0 || lower < HeaderSize || lower > upper || upper > special || special > page.Length)
        {
            return;
        }

        // Position (set by hints that log a whole page), checksum, flags about free space, the oldest transaction to prune.
        page[..10].Clear();
        Put(page, 10, (ushort)(Word(page, 10) & ~LogicalFlags));
        page[20..24].Clear();
        page[lower..upper].Clear();
        if (special == page.Length)
        {
            MaskRows(page, lower);
        }
        else if (page.Length - special == SequenceSpecialSize)
        {
            // nextval() logs 32 numbers ahead and changes the page without logging in between (seq_redo() of commands/sequence.c).
            page[upper..special].Clear();
        }
        else if (page.Length - special == BTreeSpecialSize)
        {
            MaskIndex(page, lower, special);
        }
    }

    static void MaskRows(Span<byte> page, int lower)
    {
        for (var line = HeaderSize; line < lower; line += 4)
        {
            var pointer = BinaryPrimitives.ReadUInt32LittleEndian(page[line..]);
            var (offset, flags, length) = ((int)(pointer & 0x7FFF), (pointer >> 15) & 3, (int)(pointer >> 17));
            if (flags != LineNormal || offset + length > page.Length)
            {
                continue;
            }

            var row = page[offset..];
            var bits = Word(row, 20);
            Put(row, 20, (ushort)((bits & XminFrozen) == XminFrozen ? bits & ~XmaxBits : bits & ~TransactionBits));
            // The command's number, which recovery does not know.
            row[8..12].Clear();
            row[length..Math.Min(row.Length, (length + 7) & ~7)].Clear();
        }
    }

    static void MaskIndex(Span<byte> page, int lower, int special)
    {
        var flags = Word(page, special + 12);
        Put(page, special + 12, (ushort)(flags & ~HasGarbage));
        Put(page, special + 14, 0);
        if ((flags & (Deleted | HalfDead)) != 0)
        {
            page[HeaderSize..special].Clear();
            return;
        }

        for (var line = HeaderSize; line < lower; line += 4)
        {
            // Entries that are known to be dead are marked without being logged.
            BinaryPrimitives.WriteUInt32LittleEndian(page[line..], BinaryPrimitives.ReadUInt32LittleEndian(page[line..]) & ~(3u << 15));
        }
    }

    static ushort Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    static void Put(Span<byte> bytes, int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes[offset..], value);
}
