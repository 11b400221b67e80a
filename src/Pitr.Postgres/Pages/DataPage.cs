using System.Buffers.Binary;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Pages;

/// <summary>What the header of a relation's page says (PageHeaderData of src/include/storage/bufpage.h, the same in PostgreSQL 14 to 18).</summary>
public static class DataPage
{
    const int ChecksumOffset = 8;
    const int FlagsOffset = 10;
    const int UpperOffset = 14;
    const int AllVisible = 4;

    /// <summary>Position of the last WAL record that changed the page; <see cref="Format.Wal.Lsn.Invalid"/> for one that none did.</summary>
    public static Lsn Lsn(ReadOnlySpan<byte> page) =>
        new(((ulong)BinaryPrimitives.ReadUInt32LittleEndian(page) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(page[4..]));

    /// <summary>The checksum it was written with; meaningless in clusters without checksums.</summary>
    public static ushort StoredChecksum(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page[ChecksumOffset..]);

    /// <summary>Every session sees every row on it (PD_ALL_VISIBLE); only tables have such pages.</summary>
    public static bool IsAllVisible(ReadOnlySpan<byte> page) => (page[FlagsOffset] & AllVisible) != 0;

    /// <summary>Reserved and never filled (PageIsNew()); such a page has no checksum.</summary>
    public static bool IsNew(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page[UpperOffset..]) == 0;

    /// <summary>Nothing but zeros.</summary>
    public static bool IsZero(ReadOnlySpan<byte> page) => page.IndexOfAnyExcept((byte)0) < 0;
}
