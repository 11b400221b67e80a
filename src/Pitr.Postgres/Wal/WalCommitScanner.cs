using System.Buffers;
using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Finds the commit times in a WAL segment: records COMMIT and COMMIT_PREPARED of the resource manager Transaction
/// (PostgreSQL 15 src/include/access/xact.h and xlogrecord.h; the same layout in 14 to 18).
/// </summary>
public static class WalCommitScanner
{
    const byte TransactionResourceManager = 1;
    const byte OperationMask = 0x70;
    const byte Commit = 0x00;
    const byte CommitPrepared = 0x30;

    // Commits carry invalidation messages and dropped files: 16 MiB leaves room for a million of them.
    const uint MaxCommitRecordLength = 16 << 20;

    /// <summary>
    /// Walks the records from the first that begins in the segment to the end of valid WAL. A record that continues in the next segment is
    /// not counted: without that segment it cannot be replayed. Garbage ends the walk quietly; nothing is thrown whatever the content.
    /// </summary>
    /// <param name="segment">The segment's bytes from its start; may be cut short anywhere.</param>
    /// <param name="header">The header of that segment.</param>
    public static WalCommitTimes Scan(ReadOnlySpan<byte> segment, WalSegmentHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        long first = 0;
        long last = 0;
        var walker = new WalRecordWalker(segment, header);
        while (walker.MoveNext())
        {
            if (walker.ResourceManager == TransactionResourceManager
                && (walker.Info & OperationMask) is Commit or CommitPrepared
                && TryReadCommitTime(in walker, out var time))
            {
                first = first == 0 ? time : Math.Min(first, time);
                last = last == 0 ? time : Math.Max(last, time);
            }
        }

        return new WalCommitTimes(first, last);
    }

    static bool TryReadCommitTime(in WalRecordWalker walker, out long time)
    {
        time = 0;
        if (walker.RecordLength > MaxCommitRecordLength)
        {
            return false;
        }

        var length = (int)walker.RecordLength;
        var rented = length > 1024 ? ArrayPool<byte>.Shared.Rent(length) : null;
        try
        {
            var record = rented is null ? stackalloc byte[length] : rented.AsSpan(0, length);
            walker.CopyRecord(record);
            return HasValidChecksum(record) && TryReadMainData(record[WalRecordWalker.RecordHeaderSize..], out time);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    static bool HasValidChecksum(ReadOnlySpan<byte> record)
    {
        const int checksumOffset = 20;
        var crc = Crc32C.Append(Crc32C.Start, record[WalRecordWalker.RecordHeaderSize..]);
        crc = Crc32C.Append(crc, record[..checksumOffset]);
        return Crc32C.Finish(crc) == BinaryPrimitives.ReadUInt32LittleEndian(record[checksumOffset..]);
    }

    /// <summary>A commit has no block references; before its main data there may be a replication origin and a top-level transaction id.</summary>
    static bool TryReadMainData(ReadOnlySpan<byte> data, out long time)
    {
        const byte topLevelTransaction = 252;
        const byte replicationOrigin = 253;
        const byte longMainData = 254;
        const byte shortMainData = 255;
        time = 0;
        while (!data.IsEmpty)
        {
            var headerLength = data[0] switch
            {
                topLevelTransaction => 1 + sizeof(uint),
                replicationOrigin => 1 + sizeof(ushort),
                longMainData => 1 + sizeof(uint),
                shortMainData => 1 + sizeof(byte),
                _ => int.MaxValue,
            };
            if (headerLength > data.Length)
            {
                return false;
            }

            if (data[0] is longMainData or shortMainData)
            {
                return BinaryPrimitives.TryReadInt64LittleEndian(data[headerLength..], out time);
            }

            data = data[headerLength..];
        }

        return false;
    }
}
