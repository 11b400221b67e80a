using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>
/// The end of a transaction: records COMMIT, ABORT, COMMIT_PREPARED and ABORT_PREPARED (xl_xact_commit and xl_xact_abort of PostgreSQL 15
/// src/include/access/xact.h, taken apart as ParseCommitRecord() does). The layout is that of 14 to 18 but for dropped statistics, which came
/// with 15 and are longer in 18.
/// </summary>
/// <param name="Position">Where the record begins: recovery can stop before it.</param>
/// <param name="End">Behind the record.</param>
/// <param name="IsCommit">Else it is an abort.</param>
/// <param name="Transaction">Its id without epoch; of a prepared transaction that of the transaction itself. An aborted subtransaction has a record of its own.</param>
/// <param name="Time">Microseconds since 2000-01-01 UTC.</param>
/// <param name="Database">OID of the database it ran in, 0 when the record does not say.</param>
/// <param name="Subtransactions">Ids of the subtransactions that end with it.</param>
/// <param name="DroppedFiles">Files that are removed with it: on commit those of dropped, truncated and rewritten relations, on abort those of new ones.</param>
/// <param name="DroppedRelations">OIDs, with their databases, of relations whose statistics are dropped: relations that are no more (since PostgreSQL 15).</param>
public sealed record WalTransactionEnd(
    Lsn Position,
    Lsn End,
    bool IsCommit,
    uint Transaction,
    long Time,
    uint Database,
    IReadOnlyList<uint> Subtransactions,
    IReadOnlyList<RelationFile> DroppedFiles,
    IReadOnlyList<(uint Database, uint Oid)> DroppedRelations) : WalEvent(Position)
{
    const byte OperationMask = 0x70;
    const byte HasInfo = 0x80;
    const byte Commit = 0x00;
    const byte Abort = 0x20;
    const byte CommitPrepared = 0x30;
    const byte AbortPrepared = 0x40;

    /// <summary>Whether a record of the resource manager Transaction is one.</summary>
    internal static bool Is(byte info) => (info & OperationMask) is Commit or Abort or CommitPrepared or AbortPrepared;

    /// <summary>Whether a record of the resource manager Transaction is a commit.</summary>
    internal static bool IsCommitRecord(byte info) => (info & OperationMask) is Commit or CommitPrepared;

    /// <summary>Takes a record of the resource manager Transaction apart; null when it is none of the four or contradicts itself.</summary>
    internal static WalTransactionEnd? Read(in WalRecord record)
    {
        if (!Is(record.Info) || !record.TryReadMainData(out var main))
        {
            return null;
        }

        const uint hasDatabase = 1 << 0;
        const uint hasSubtransactions = 1 << 1;
        const uint hasFiles = 1 << 2;
        const uint hasInvalidations = 1 << 3;
        const uint hasTwoPhase = 1 << 4;
        const uint hasDroppedStatistics = 1 << 8;
        const int invalidationSize = 16;
        var bytes = new WalBytes(main);
        var isCommit = IsCommitRecord(record.Info);
        var time = bytes.Int64();
        var info = (record.Info & HasInfo) != 0 ? bytes.UInt32() : 0;
        uint database = 0;
        if ((info & hasDatabase) != 0)
        {
            database = bytes.UInt32();
            bytes.UInt32();
        }

        var subtransactions = (info & hasSubtransactions) != 0 ? ReadAll(bytes.Items(sizeof(uint)), sizeof(uint), BitConverter.ToUInt32) : [];
        var files = (info & hasFiles) != 0 ? ReadAll(bytes.Items(RelationFile.Size), RelationFile.Size, RelationFile.Read) : [];
        var relations = (info & hasDroppedStatistics) != 0 && record.MajorVersion >= 15 ? ReadStatistics(ref bytes, record.MajorVersion) : [];
        if (isCommit && (info & hasInvalidations) != 0)
        {
            bytes.Items(invalidationSize);
        }

        var transaction = (info & hasTwoPhase) != 0 ? bytes.UInt32() : record.Transaction;
        return bytes.IsShort ? null : new WalTransactionEnd(record.Position, record.End, isCommit, transaction, time, database, subtransactions, files, relations);
    }

    // xl_xact_stats_item: kind, database, object; the object has 64 bits since 18. Kind 2 is a relation (PGSTAT_KIND_RELATION) in all of them.
    static List<(uint Database, uint Oid)> ReadStatistics(ref WalBytes bytes, int majorVersion)
    {
        const uint relation = 2;
        var size = majorVersion >= 18 ? 16 : 12;
        var items = bytes.Items(size);
        var found = new List<(uint Database, uint Oid)>();
        for (; items.Length >= size; items = items[size..])
        {
            var item = new WalBytes(items);
            if (item.UInt32() == relation)
            {
                found.Add((item.UInt32(), item.UInt32()));
            }
        }

        return found;
    }

    delegate T Reader<T>(ReadOnlySpan<byte> bytes);

    static List<T> ReadAll<T>(ReadOnlySpan<byte> bytes, int size, Reader<T> read)
    {
        var all = new List<T>(bytes.Length / size);
        for (; bytes.Length >= size; bytes = bytes[size..])
        {
            all.Add(read(bytes));
        }

        return all;
    }
}
