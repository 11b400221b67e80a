using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Steps through the records of one WAL segment by their lengths, following the rules of XLogReadRecord()
/// (PostgreSQL 15 src/backend/access/transam/xlogreader.c) as far as they tell valid WAL from what lies behind its end: page magic, page
/// address, continuation length and the link to the previous record. Record checksums are left to the caller.
/// </summary>
ref struct WalRecordWalker
{
    public const int RecordHeaderSize = 24;

    const int Alignment = 8;

    /// <summary>Above XLogRecordMaxSize (1020 MiB since PostgreSQL 16) and above what memory allocation lets earlier versions write.</summary>
    const uint MaxRecordLength = 0x4000_0000;

    readonly ReadOnlySpan<byte> _segment;
    readonly WalSegmentHeader _header;
    readonly ushort _magic;
    int _position;
    ulong _previousRecord;
    bool _ended;

    public WalRecordWalker(ReadOnlySpan<byte> segment, WalSegmentHeader header)
    {
        // A last page cut short can hold no more records that could be followed safely.
        var usable = Math.Min(segment.Length, header.SegmentSize.Bytes);
        _segment = segment[..(usable - (usable % header.BlockSize))];
        _header = header;
        _magic = WalVersion.Magic(header.MajorVersion);
        _ended = !SkipToFirstRecord();
    }

    /// <summary>Offset in the segment of the current record.</summary>
    public int RecordOffset { get; private set; }

    public uint RecordLength { get; private set; }

    /// <summary>
    /// True after the last <see cref="MoveNext"/> when a further record begins in the segment and goes on in the next one. Its offset,
    /// length and the bytes that are here can be read; whether it is whole cannot be known from this segment.
    /// </summary>
    public bool EndsInsideRecord { get; private set; }

    /// <summary>The high four bits belong to the resource manager.</summary>
    public byte Info { get; private set; }

    /// <summary>Resource manager: 0 XLOG, 1 Transaction, …</summary>
    public byte ResourceManager { get; private set; }

    /// <summary>Moves to the next record that lies wholly in the segment; false at the end of valid WAL or of the segment.</summary>
    public bool MoveNext()
    {
        while (!_ended)
        {
            if (!ReadRecordHeader())
            {
                _ended = true;
                return false;
            }

            switch (Advance())
            {
                case Step.Record:
                    return true;
                case Step.Overwritten:
                    continue;
                default:
                    _ended = true;
                    return false;
            }
        }

        return false;
    }

    /// <summary>Copies the beginning of the current record, without the page headers in between.</summary>
    public readonly void CopyRecord(Span<byte> destination)
    {
        var position = RecordOffset;
        while (!destination.IsEmpty)
        {
            if (position % _header.BlockSize == 0)
            {
                position += WalPage.HeaderSize(WalPage.Flags(_segment[position..]));
            }

            var take = Math.Min(destination.Length, PageRest(position));
            _segment.Slice(position, take).CopyTo(destination);
            destination = destination[take..];
            position += take;
        }
    }

    readonly int PageRest(int position) => _header.BlockSize - (position % _header.BlockSize);

    bool SkipToFirstRecord()
    {
        if (_segment.Length < _header.BlockSize || !IsValidPage(0))
        {
            return false;
        }

        _position = WalPage.HeaderSize(WalPage.Flags(_segment));
        if ((WalPage.Flags(_segment) & WalPage.FirstIsContinuation) == 0)
        {
            return true;
        }

        // The record began in the segment before: its rest is stepped over.
        return SkipData(WalPage.RemainingLength(_segment)) == Step.Record && AlignToRecord();
    }

    bool ReadRecordHeader()
    {
        if (_position > _segment.Length - Alignment)
        {
            return false;
        }

        // The length never straddles a page: records are aligned to 8 bytes, and so are pages.
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_segment[_position..]);
        if (length is < RecordHeaderSize or > MaxRecordLength)
        {
            return false;
        }

        RecordOffset = _position;
        RecordLength = length;
        return true;
    }

    Step Advance()
    {
        var step = SkipData(RecordLength);
        if (step != Step.Record)
        {
            return step;
        }

        ulong previous;
        if (PageRest(RecordOffset) >= RecordHeaderSize)
        {
            previous = ReadHeaderFields(_segment.Slice(RecordOffset, RecordHeaderSize));
        }
        else
        {
            Span<byte> header = stackalloc byte[RecordHeaderSize];
            CopyRecord(header);
            previous = ReadHeaderFields(header);
        }

        var start = _header.PageAddress.Value + (uint)RecordOffset;
        if (_previousRecord != 0 ? previous != _previousRecord : previous >= start)
        {
            return Step.End;
        }

        _previousRecord = start;

        // Behind a switch record the segment holds nothing: RM_XLOG_ID with XLOG_SWITCH (src/include/catalog/pg_control.h).
        if ((ResourceManager == 0 && (Info & 0xF0) == 0x40) || !AlignToRecord())
        {
            _ended = true;
        }

        return Step.Record;
    }

    ulong ReadHeaderFields(scoped ReadOnlySpan<byte> header)
    {
        Info = header[16];
        ResourceManager = header[17];
        return BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
    }

    /// <summary>Moves over the data of a record, checking the header of every page it continues on.</summary>
    Step SkipData(uint length)
    {
        var remaining = length;
        while (true)
        {
            var rest = (uint)PageRest(_position);
            if (_position % _header.BlockSize != 0)
            {
                if (remaining <= rest)
                {
                    _position += (int)remaining;
                    return Step.Record;
                }

                remaining -= rest;
                _position += (int)rest;
            }

            if (_position >= _segment.Length)
            {
                EndsInsideRecord = true;
                return Step.End;
            }

            if (!IsValidPage(_position))
            {
                return Step.End;
            }

            var page = _segment[_position..];
            var flags = WalPage.Flags(page);
            if ((flags & WalPage.FirstIsContinuation) == 0)
            {
                if ((flags & WalPage.FirstOverwritesContinuation) == 0)
                {
                    return Step.End;
                }

                // The record was lost; its place in the chain is taken by an XLOG_OVERWRITE_CONTRECORD here, whose own link is not checked.
                _previousRecord = 0;
                _position += WalPage.HeaderSize(flags);
                return Step.Overwritten;
            }

            if (WalPage.RemainingLength(page) != remaining)
            {
                return Step.End;
            }

            _position += WalPage.HeaderSize(flags);
        }
    }

    /// <summary>Moves from the end of a record to the beginning of the next; false when that is in the next segment.</summary>
    bool AlignToRecord()
    {
        _position = (_position + Alignment - 1) & ~(Alignment - 1);
        if (_position % _header.BlockSize != 0)
        {
            return true;
        }

        if (_position >= _segment.Length || !IsValidPage(_position))
        {
            return false;
        }

        var flags = WalPage.Flags(_segment[_position..]);
        _position += WalPage.HeaderSize(flags);
        return (flags & WalPage.FirstIsContinuation) == 0;
    }

    readonly bool IsValidPage(int offset)
    {
        var page = _segment[offset..];
        var flags = WalPage.Flags(page);
        return WalPage.Magic(page) == _magic
            && WalPage.AreValidFlags(flags)
            && ((flags & WalPage.HasLongHeader) != 0) == (offset == 0)
            && WalPage.Address(page) == _header.PageAddress.Value + (uint)offset;
    }

    enum Step
    {
        Record,
        Overwritten,
        End,
    }
}
