using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Fields of a WAL page header: XLogPageHeaderData and XLogLongPageHeaderData of PostgreSQL 15 src/include/access/xlog_internal.h,
/// unchanged from 14 to 18 but for the magic number. Little-endian machines only, as are all that PostgreSQL packages are built for today.
/// </summary>
static class WalPage
{
    public const int ShortHeaderSize = 24;
    public const int LongHeaderSize = 40;

    /// <summary>The page starts with the rest of a record begun on an earlier page (XLP_FIRST_IS_CONTRECORD).</summary>
    public const int FirstIsContinuation = 0x0001;

    /// <summary>The header is a long one (XLP_LONG_HEADER): always and only on the first page of a segment.</summary>
    public const int HasLongHeader = 0x0002;

    /// <summary>The record begun on the page before was lost in a crash and is replaced by what follows (XLP_FIRST_IS_OVERWRITE_CONTRECORD).</summary>
    public const int FirstOverwritesContinuation = 0x0008;

    const int AllFlags = 0x000F;

    public static ushort Magic(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page);

    public static ushort Flags(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page[2..]);

    public static uint Timeline(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt32LittleEndian(page[4..]);

    public static ulong Address(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt64LittleEndian(page[8..]);

    /// <summary>Bytes still to come, from this page on, of the record the page continues.</summary>
    public static uint RemainingLength(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt32LittleEndian(page[16..]);

    public static ulong SystemIdentifier(ReadOnlySpan<byte> longHeader) => BinaryPrimitives.ReadUInt64LittleEndian(longHeader[24..]);

    public static uint SegmentSize(ReadOnlySpan<byte> longHeader) => BinaryPrimitives.ReadUInt32LittleEndian(longHeader[32..]);

    public static uint BlockSize(ReadOnlySpan<byte> longHeader) => BinaryPrimitives.ReadUInt32LittleEndian(longHeader[36..]);

    public static bool AreValidFlags(int flags) => (flags & ~AllFlags) == 0;

    public static int HeaderSize(int flags) => (flags & HasLongHeader) != 0 ? LongHeaderSize : ShortHeaderSize;
}
