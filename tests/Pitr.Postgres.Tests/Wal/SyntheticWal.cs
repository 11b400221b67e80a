using System.Buffers.Binary;
using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>Writes a WAL segment as PostgreSQL 15 would, to bring about layouts a real server makes only by luck or in a crash.</summary>
sealed class SyntheticWal
{
    const int BlockSize = 8192;
    const ulong Address = 0x5_0070_0000;

    readonly byte[] _segment = new byte[1 << 20];
    int _position;
    ulong _previous;

    /// <param name="continued">Bytes of a record of the segment before that continue here.</param>
    public SyntheticWal(int continued = 0)
    {
        _previous = Address - 1000;
        var remaining = continued;
        WritePageHeader(remaining > 0 ? WalPage.FirstIsContinuation : 0, (uint)remaining);
        while (remaining > 0 && !IsFull)
        {
            var take = Math.Min(remaining, BlockSize - (_position % BlockSize));
            _segment.AsSpan(_position, take).Fill(0xEE);
            _position += take;
            remaining -= take;
            if (remaining > 0 && !IsFull)
            {
                WritePageHeader(WalPage.FirstIsContinuation, (uint)remaining);
            }
        }
    }

    public ReadOnlySpan<byte> Segment => _segment;

    public byte[] Bytes => _segment;

    public int Position => _position;

    public bool IsFull => _position >= _segment.Length;

    public WalSegmentHeader Header => WalSegmentHeader.Parse(_segment);

    /// <summary>A commit with as many subtransactions as make the record about the wanted size; false when the segment ended within it.</summary>
    public bool Commit(long time, int subtransactions = 0, byte info = 0x00, bool withOrigin = false)
    {
        var main = new byte[8 + (subtransactions * 4)];
        BinaryPrimitives.WriteInt64LittleEndian(main, time);
        var body = new List<byte>();
        if (withOrigin)
        {
            body.AddRange([253, 7, 0, 252, 1, 2, 3, 4]);
        }

        if (main.Length < 256)
        {
            body.AddRange([255, (byte)main.Length]);
        }
        else
        {
            body.Add(254);
            body.AddRange(BitConverter.GetBytes((uint)main.Length));
        }

        body.AddRange(main);
        return Append(1, info, [.. body]);
    }

    /// <summary>Any other record.</summary>
    public bool Other(int bodyLength, byte resourceManager = 10, byte info = 0x20)
    {
        var body = new byte[bodyLength];
        body.AsSpan().Fill(0x5A);
        return Append(resourceManager, info, body);
    }

    public void Switch() => Append(0, 0x40, []);

    /// <summary>Breaks off a record at the end of its first page, as a crash does, and goes on as the restarted server does.</summary>
    public void LoseRecord(int bodyLength)
    {
        Align();
        var previous = _previous;
        var record = Record(10, 0, new byte[bodyLength]);
        var page = BlockSize - (_position % BlockSize);
        record.AsSpan(0, page).CopyTo(_segment.AsSpan(_position));
        _position += page;
        _previous = previous;
        WritePageHeader(WalPage.FirstOverwritesContinuation, 0);
        Append(0, 0xD0, [255, 16, .. new byte[16]]);
    }

    public bool Append(byte resourceManager, byte info, byte[] body)
    {
        Align();
        if (IsFull)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = Record(resourceManager, info, body);
        while (true)
        {
            var take = Math.Min(rest.Length, BlockSize - (_position % BlockSize));
            rest[..take].CopyTo(_segment.AsSpan(_position));
            _position += take;
            rest = rest[take..];
            if (rest.IsEmpty)
            {
                return true;
            }

            if (IsFull)
            {
                return false;
            }

            WritePageHeader(WalPage.FirstIsContinuation, (uint)rest.Length);
        }
    }

    byte[] Record(byte resourceManager, byte info, byte[] body)
    {
        var record = new byte[24 + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), 1234);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), _previous);
        record[16] = info;
        record[17] = resourceManager;
        body.CopyTo(record, 24);
        var crc = Crc32C.Append(Crc32C.Append(Crc32C.Start, body), record.AsSpan(0, 20));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(20), Crc32C.Finish(crc));
        _previous = Address + (uint)_position;
        return record;
    }

    void Align()
    {
        _position = (_position + 7) & ~7;
        if (_position % BlockSize == 0 && !IsFull)
        {
            WritePageHeader(0, 0);
        }
    }

    void WritePageHeader(int flags, uint remaining)
    {
        var page = _segment.AsSpan(_position);
        var isFirst = _position == 0;
        BinaryPrimitives.WriteUInt16LittleEndian(page, 0xD110);
        BinaryPrimitives.WriteUInt16LittleEndian(page[2..], (ushort)(flags | (isFirst ? WalPage.HasLongHeader : 0)));
        BinaryPrimitives.WriteUInt32LittleEndian(page[4..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(page[8..], Address + (uint)_position);
        BinaryPrimitives.WriteUInt32LittleEndian(page[16..], remaining);
        if (isFirst)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(page[24..], 42);
            BinaryPrimitives.WriteUInt32LittleEndian(page[32..], (uint)_segment.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(page[36..], BlockSize);
        }

        _position += isFirst ? WalPage.LongHeaderSize : WalPage.ShortHeaderSize;
    }
}
