using System.Buffers.Binary;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// One whole WAL record as it lies in the WAL, page headers taken out: XLogRecord, block references, main data (PostgreSQL 15
/// src/include/access/xlogrecord.h; what differs in 14 is said where it matters). Nothing here throws, whatever the bytes.
/// </summary>
readonly ref struct WalRecord
{
    const int TransactionOffset = 4;
    const int PreviousOffset = 8;
    const int InfoOffset = 16;
    const int ResourceManagerOffset = 17;
    const int ChecksumOffset = 20;

    /// <param name="bytes">All of the record; at least its header of 24 bytes.</param>
    /// <param name="position">Where it begins.</param>
    /// <param name="end">Behind its last byte.</param>
    /// <param name="majorVersion">PostgreSQL's, 14 to 18.</param>
    public WalRecord(ReadOnlySpan<byte> bytes, Lsn position, Lsn end, int majorVersion)
    {
        Bytes = bytes;
        Position = position;
        End = end;
        MajorVersion = majorVersion;
    }

    public ReadOnlySpan<byte> Bytes { get; }

    public Lsn Position { get; }

    public Lsn End { get; }

    public int MajorVersion { get; }

    /// <summary>The transaction that wrote it, 0 for none. A subtransaction writes its own id.</summary>
    public uint Transaction => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[TransactionOffset..]);

    public ulong Previous => BinaryPrimitives.ReadUInt64LittleEndian(Bytes[PreviousOffset..]);

    public byte Info => Bytes[InfoOffset];

    public byte ResourceManager => Bytes[ResourceManagerOffset];

    /// <summary>CRC-32C over the data and then the header up to the checksum itself.</summary>
    public static bool HasValidChecksum(ReadOnlySpan<byte> record)
    {
        var crc = Crc32C.Append(Crc32C.Start, record[WalRecordWalker.RecordHeaderSize..]);
        crc = Crc32C.Append(crc, record[..ChecksumOffset]);
        return Crc32C.Finish(crc) == BinaryPrimitives.ReadUInt32LittleEndian(record[ChecksumOffset..]);
    }

    /// <summary>Reads the headers of block references and data.</summary>
    /// <param name="blocks">Gives one block reference after the other.</param>
    /// <param name="mainData">What belongs to the record and to no block.</param>
    /// <returns>False when the headers contradict the length, as DecodeXLogRecord() finds.</returns>
    public bool TryRead(out WalBlockReader blocks, out ReadOnlySpan<byte> mainData) =>
        WalBlockReader.TryOpen(Bytes[WalRecordWalker.RecordHeaderSize..], MajorVersion, out blocks, out mainData);

    /// <summary>The main data; false when the record's headers contradict its length.</summary>
    public bool TryReadMainData(out ReadOnlySpan<byte> mainData) => TryRead(out _, out mainData);
}
