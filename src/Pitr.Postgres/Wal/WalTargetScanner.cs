using System.Buffers.Binary;
using System.Text;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Finds the records in a WAL segment that recovery can stop at by name or by transaction: XLOG_RESTORE_POINT, and the ends of
/// transactions (PostgreSQL 15 src/include/access/xlog_internal.h, xact.h and recoveryStopsBefore() of xlogrecovery.c; the same in 14 to 18).
/// </summary>
public static class WalTargetScanner
{
    const byte XlogResourceManager = 0;
    const byte TransactionResourceManager = 1;
    const byte RestorePoint = 0x70;
    const byte OperationMask = 0x70;
    const byte Commit = 0x00;
    const byte Abort = 0x20;
    const byte CommitPrepared = 0x30;
    const byte AbortPrepared = 0x40;
    const int TransactionIdOffset = 4;
    const int InfoOffset = 16;
    const int ResourceManagerOffset = 17;

    // Record header, the 2 bytes that introduce short main data, the time.
    const int RestorePointNameOffset = WalRecordWalker.RecordHeaderSize + 2 + sizeof(long);
    const int LongestName = 64;

    /// <summary>Where a restore point of this name lies; null when the segment has none. The first one counts, as in recovery.</summary>
    public static Lsn? FindRestorePoint(ReadOnlySpan<byte> segment, WalSegmentHeader header, string name)
    {
        ArgumentNullException.ThrowIfNull(header);
        var wanted = Encoding.UTF8.GetBytes(name);
        var walker = new WalRecordWalker(segment, header);
        Span<byte> record = stackalloc byte[RestorePointNameOffset + LongestName];
        while (walker.MoveNext())
        {
            if (walker.ResourceManager == XlogResourceManager && (walker.Info & 0xF0) == RestorePoint && walker.RecordLength >= record.Length)
            {
                walker.CopyRecord(record);
                var text = record[RestorePointNameOffset..];
                var end = text.IndexOf((byte)0);
                if (text[..(end < 0 ? text.Length : end)].SequenceEqual(wanted))
                {
                    return header.PageAddress + (uint)walker.RecordOffset;
                }
            }
        }

        return null;
    }

    /// <summary>Where a transaction's commit or abort lies.</summary>
    /// <param name="segment">The segment's bytes.</param>
    /// <param name="header">Its header.</param>
    /// <param name="transaction">Its id without epoch. Subtransactions have no record of their own.</param>
    /// <param name="hasPrepared">
    /// The segment ends prepared transactions: their ids are not where others are, so that "not found" is no proof of absence.
    /// </param>
    public static Lsn? FindTransactionEnd(ReadOnlySpan<byte> segment, WalSegmentHeader header, uint transaction, out bool hasPrepared)
    {
        ArgumentNullException.ThrowIfNull(header);
        hasPrepared = false;
        var walker = new WalRecordWalker(segment, header);
        Span<byte> record = stackalloc byte[WalRecordWalker.RecordHeaderSize];
        while (walker.MoveNext())
        {
            if (walker.ResourceManager != TransactionResourceManager)
            {
                continue;
            }

            hasPrepared |= (walker.Info & OperationMask) is CommitPrepared or AbortPrepared;
            walker.CopyRecord(record);
            if (IsEndOf(record, transaction))
            {
                return header.PageAddress + (uint)walker.RecordOffset;
            }
        }

        // A record that goes on in the next segment shows its transaction here already, if its header is whole.
        if (walker.EndsInsideRecord && walker.RecordOffset <= segment.Length - record.Length)
        {
            walker.CopyRecord(record);
            if (record[ResourceManagerOffset] == TransactionResourceManager && IsEndOf(record, transaction))
            {
                return header.PageAddress + (uint)walker.RecordOffset;
            }
        }

        return null;
    }

    static bool IsEndOf(ReadOnlySpan<byte> record, uint transaction) =>
        (record[InfoOffset] & OperationMask) is Commit or Abort
        && BinaryPrimitives.ReadUInt32LittleEndian(record[TransactionIdOffset..]) == transaction;
}
