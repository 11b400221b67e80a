using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>
/// Writes a run of WAL segments as PostgreSQL would, record after record over pages and segments, to bring about layouts that a real server makes only by
/// luck. Shared with the tests of Pitr.Operations.
/// </summary>
sealed class WalStream(ulong firstSegment = 1, uint timeline = 1, ulong systemIdentifier = 7710554547153649724, int size = 1 << 20, ushort magic = 0xD110)
{
    const int BlockSize = 8192;

    readonly MemoryStream _bytes = new();

    public WalSegmentSize SegmentSize { get; } = WalSegmentSize.From(size);

    /// <summary>Where the next record begins, unless a page header comes in between.</summary>
    public Lsn Position => new(Start + (ulong)_bytes.Length);

    /// <summary>Start of the last record.</summary>
    public Lsn Last { get; private set; }

    ulong Start => firstSegment * (ulong)size;

    /// <summary>All segments begun so far, the last one filled up with zeros.</summary>
    public IEnumerable<(WalSegmentName Name, byte[] Content)> Segments()
    {
        var all = _bytes.ToArray();
        for (var offset = 0; offset < all.Length; offset += size)
        {
            var segment = new byte[size];
            all.AsSpan(offset, Math.Min(size, all.Length - offset)).CopyTo(segment);
            yield return (WalSegmentName.FromNumber(new Timeline(timeline), firstSegment + ((ulong)offset / (ulong)size), SegmentSize), segment);
        }
    }

    public Lsn Commit(uint transaction, DateTimeOffset time, int subtransactions = 0, params (uint Tablespace, uint Database, uint Number)[] files)
    {
        var body = new MemoryStream();
        using var writer = new BinaryWriter(body);
        writer.Write(Microseconds(time));
        if (subtransactions > 0 || files.Length > 0)
        {
            writer.Write((subtransactions > 0 ? 2u : 0) | (files.Length > 0 ? 4u : 0));
            WriteAll(writer, Enumerable.Range(1, subtransactions), s => writer.Write(transaction + (uint)s));
            WriteAll(writer, files, f =>
            {
                writer.Write(f.Tablespace);
                writer.Write(f.Database);
                writer.Write(f.Number);
            });
        }

        return Append(1, (byte)(body.Length > 8 ? 0x80 : 0), transaction, MainData(body.ToArray()));
    }

    public Lsn RestorePoint(string name, DateTimeOffset time)
    {
        var body = new byte[72];
        BinaryPrimitives.WriteInt64LittleEndian(body, Microseconds(time));
        Encoding.UTF8.GetBytes(name, body.AsSpan(8));
        return Append(0, 0x70, 0, MainData(body));
    }

    /// <summary>DROP DATABASE's record of removed directories.</summary>
    public Lsn DropDatabase(uint transaction, uint database) =>
        Append(4, 0x20, transaction, MainData([.. BitConverter.GetBytes(database), 1, 0, 0, 0, .. BitConverter.GetBytes(1663u)]));

    /// <summary>Any other record of that many bytes altogether, at least 26.</summary>
    public Lsn Other(int length) => Append(11, 0x20, 0, length - 24 < 258 ? MainData(new byte[length - 26]) : MainData(new byte[length - 29]));

    /// <summary>Fills the segment until the next record would begin that many bytes before its end; a multiple of 8 below a page.</summary>
    public void FillUntil(int left)
    {
        while (Left() > left + BlockSize)
        {
            Other(1000);
        }

        // What is written on the last page ends exactly there.
        while (Left() != left)
        {
            var rest = Left() - left;
            Other(rest is < 2000 ? rest < 64 ? throw new InvalidOperationException("too little room to fill") : rest : 1000);
        }
    }

    public void Switch()
    {
        Append(0, 0x40, 0, []);
        while (_bytes.Length % size != 0)
        {
            _bytes.WriteByte(0);
        }
    }

    public Lsn Append(byte resourceManager, byte info, uint transaction, byte[] body)
    {
        Align();
        StartPage(0, 0);
        var position = Position;
        ReadOnlySpan<byte> rest = Record(resourceManager, info, transaction, body);
        while (true)
        {
            var take = Math.Min(rest.Length, BlockSize - (int)(_bytes.Length % BlockSize));
            _bytes.Write(rest[..take]);
            rest = rest[take..];
            if (rest.IsEmpty)
            {
                Last = position;
                return position;
            }

            StartPage(1, (uint)rest.Length);
        }
    }

    public static byte[] MainData(byte[] data) => data.Length < 256 ? [255, (byte)data.Length, .. data] : [254, .. BitConverter.GetBytes((uint)data.Length), .. data];

    public static long Microseconds(DateTimeOffset time) => (time - new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero)).Ticks / 10;

    static void WriteAll<T>(BinaryWriter writer, IEnumerable<T> items, Action<T> write)
    {
        var all = items.ToArray();
        if (all.Length > 0)
        {
            writer.Write(all.Length);
            Array.ForEach(all, write);
        }
    }

    int Left()
    {
        Align();
        StartPage(0, 0);
        return size - (int)(_bytes.Length % size);
    }

    byte[] Record(byte resourceManager, byte info, uint transaction, byte[] body)
    {
        var record = new byte[24 + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), Last.Value == 0 ? Start - 1000 : Last.Value);
        record[16] = info;
        record[17] = resourceManager;
        body.CopyTo(record, 24);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(20), ~Checksum(record.AsSpan(0, 20), Checksum(body, uint.MaxValue)));
        return record;
    }

    static uint Checksum(ReadOnlySpan<byte> bytes, uint crc)
    {
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return crc;
    }

    void Align()
    {
        while (_bytes.Length % 8 != 0)
        {
            _bytes.WriteByte(0);
        }
    }

    void StartPage(int flags, uint remaining)
    {
        if (_bytes.Length % BlockSize != 0)
        {
            return;
        }

        var isFirst = _bytes.Length % size == 0;
        var page = new byte[isFirst ? 40 : 24];
        BinaryPrimitives.WriteUInt16LittleEndian(page, magic);
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(2), (ushort)(flags | (isFirst ? 2 : 0)));
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(4), timeline);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(8), Position.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(16), remaining);
        if (isFirst)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(24), systemIdentifier);
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(32), (uint)size);
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(36), BlockSize);
        }

        _bytes.Write(page);
    }
}
