using System.Buffers.Binary;
using System.Numerics;
using Pitr.Format.Wal;

namespace Pitr.Operations.Tests;

/// <summary>Files of pg_wal as PostgreSQL 15 writes them, made here.</summary>
static class WalSample
{
    public const ulong SystemIdentifier = 7710554547153649724;

    const int BlockSize = 8192;
    const int LongHeaderSize = 40;

    public static readonly WalSegmentSize Small = WalSegmentSize.From(1 << 20);

    /// <summary>A whole segment: first page with its long header, commits at these times, a restore point, then bytes that only this seed gives.</summary>
    public static byte[] Segment(
        string name, int seed = 1, int size = 1 << 20, ulong systemIdentifier = SystemIdentifier, uint? timeline = null, string? restorePoint = null, params DateTimeOffset[] commits)
    {
        var segment = new byte[size];
        var parsed = WalSegmentName.Parse(name);
        var address = parsed.StartLsn(WalSegmentSize.From(size)).Value;
        BinaryPrimitives.WriteUInt16LittleEndian(segment, 0xD110);
        BinaryPrimitives.WriteUInt16LittleEndian(segment.AsSpan(2), 0x0002);
        BinaryPrimitives.WriteUInt32LittleEndian(segment.AsSpan(4), timeline ?? parsed.Timeline.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(8), address);
        BinaryPrimitives.WriteUInt64LittleEndian(segment.AsSpan(24), systemIdentifier);
        BinaryPrimitives.WriteUInt32LittleEndian(segment.AsSpan(32), (uint)size);
        BinaryPrimitives.WriteUInt32LittleEndian(segment.AsSpan(36), BlockSize);
        var position = LongHeaderSize;
        var previous = address - 1000;
        // The transaction is the segment's seed, so that every segment ends another.
        var records = commits.Select(commit => new Func<ulong, byte[]>(before => CommitRecord(commit, (uint)(1000 + seed), before)));
        if (restorePoint is not null)
        {
            records = records.Append(before => RestorePointRecord(restorePoint, before));
        }

        foreach (var make in records)
        {
            var record = make(previous);
            record.CopyTo(segment, position);
            previous = address + (uint)position;
            position = (position + record.Length + 7) & ~7;
        }

        new Random(seed).NextBytes(segment.AsSpan(BlockSize, BlockSize * 4));
        // The records end here: a length of zero follows.
        segment.AsSpan(BlockSize, 8).Clear();
        return segment;
    }

    /// <summary>A .history file's text: how a timeline came about.</summary>
    public static string History(params (uint Parent, Lsn Switch)[] entries) =>
        string.Concat(entries.Select(e => $"{e.Parent}\t{e.Switch}\tno recovery target specified\n"));

    /// <summary>A .backup file's text.</summary>
    public static string BackupHistory(string startWal = "000000010000000000000002", string stopWal = "000000010000000000000003") =>
        $"""
        START WAL LOCATION: 0/200028 (file {startWal})
        STOP WAL LOCATION: 0/300138 (file {stopWal})
        CHECKPOINT LOCATION: 0/200060
        BACKUP METHOD: streamed
        BACKUP FROM: primary
        START TIME: 2026-11-21 03:00:00 UTC
        LABEL: pitr 20261121T030000Z
        START TIMELINE: 1
        STOP TIME: 2026-11-21 03:00:05 UTC
        STOP TIMELINE: 1

        """;

    public static byte[] Golden(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", name));

    // XLOG_XACT_COMMIT with nothing but its time (PostgreSQL 15 src/include/access/xact.h).
    public static byte[] CommitRecord(DateTimeOffset time, uint transaction, ulong previous)
    {
        var data = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(data, Microseconds(time));
        return Record(1, 0x00, transaction, data, previous);
    }

    // XLOG_RESTORE_POINT (PostgreSQL 15 src/include/access/xlog_internal.h, xl_restore_point).
    static byte[] RestorePointRecord(string name, ulong previous)
    {
        var data = new byte[8 + 64];
        System.Text.Encoding.UTF8.GetBytes(name, data.AsSpan(8));
        return Record(0, 0x70, 0, data, previous);
    }

    static byte[] Record(byte resourceManager, byte info, uint transaction, byte[] data, ulong previous)
    {
        var record = new byte[24 + 2 + data.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), previous);
        record[16] = info;
        record[17] = resourceManager;
        record[24] = 255;
        record[25] = (byte)data.Length;
        data.CopyTo(record, 26);
        WriteChecksum(record);
        return record;
    }

    public static void WriteChecksum(Span<byte> record)
    {
        var crc = uint.MaxValue;
        foreach (var value in record[24..])
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        foreach (var value in record[..20])
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(record[20..], ~crc);
    }

    public static long Microseconds(DateTimeOffset time) => (time - new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero)).Ticks / 10;
}
