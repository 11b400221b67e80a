using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Steps through the records of one WAL segment by their lengths, following the rules of XLogReadRecord()
/// (PostgreSQL 15 src/backend/access/transam/xlogreader.c) as far as they tell valid WAL from what lies behind its end: page magic, page
/// address, page timeline, continuation length and the link to the previous record. Record checksums are left to the caller. This is the
/// only place that knows how records lie in pages; <see cref="WalSegmentWalk"/> puts it together with what goes on in the next segment.
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
    readonly bool _isWholeSegment;
    readonly bool _startsInside;
    int _position;
    uint _pageTimeline;
    ulong _previousRecord;
    uint _tailRemaining;
    bool _ended;

    /// <summary>Walks from the beginning of a segment.</summary>
    /// <param name="segment">Its bytes; may be cut short anywhere.</param>
    /// <param name="header">Its header.</param>
    public WalRecordWalker(ReadOnlySpan<byte> segment, WalSegmentHeader header)
        : this(segment, header, startsInside: false, isWhole: segment.Length >= header.SegmentSize.Bytes)
    {
    }

    WalRecordWalker(ReadOnlySpan<byte> segment, WalSegmentHeader header, bool startsInside, bool isWhole)
    {
        _segment = segment[..Math.Min(segment.Length, header.SegmentSize.Bytes)];
        _isWholeSegment = isWhole;
        _startsInside = startsInside;
        _header = header;
        _magic = WalVersion.Magic(header.MajorVersion);
        _ended = !SkipToFirstRecord();
    }

    /// <summary>Walks from a page of a segment. Offsets are from that page.</summary>
    /// <param name="pages">Everything that is known from that page on; may be cut short anywhere.</param>
    /// <param name="header">The segment's header.</param>
    /// <param name="offset">Where in the segment the page is; 0 for its first.</param>
    public static WalRecordWalker FromPage(ReadOnlySpan<byte> pages, WalSegmentHeader header, int offset) => offset == 0
        ? new WalRecordWalker(pages, header)
        : new WalRecordWalker(pages, header with { PageAddress = header.PageAddress + (ulong)offset }, startsInside: true, isWhole: offset + pages.Length == header.SegmentSize.Bytes);

    /// <summary>Offset in the segment of the current record.</summary>
    public int RecordOffset { get; private set; }

    /// <summary>Offset in the segment behind the current record, before alignment.</summary>
    public int RecordEnd { get; private set; }

    public uint RecordLength { get; private set; }

    /// <summary>The high four bits belong to the resource manager.</summary>
    public byte Info { get; private set; }

    /// <summary>Resource manager: 0 XLOG, 1 Transaction, …</summary>
    public byte ResourceManager { get; private set; }

    /// <summary>Start of the record before the current one, as the current one says.</summary>
    public ulong Previous { get; private set; }

    /// <summary>Bytes of a record of the segment before that are still to come at the start of this one; 0 when it starts with a record.</summary>
    public uint HeadRemaining { get; private set; }

    /// <summary>How many of <see cref="HeadRemaining"/> lie in this segment.</summary>
    public uint HeadLength { get; private set; }

    /// <summary>Start of the last record that lies wholly in the segment; 0 when there is none, or when what followed it was lost in a crash.</summary>
    public readonly ulong LastRecord => _previousRecord;

    /// <summary>Why the last <see cref="MoveNext"/> gave nothing, or nothing more will come.</summary>
    public WalWalkEnd End { get; private set; }

    /// <summary>Offset in the segment of the record that <see cref="End"/> is about, or of the page if it is between two records.</summary>
    public int EndOffset { get; private set; }

    /// <summary>Offset in the segment of the page that <see cref="End"/> is about; meaningful for those that are about a page.</summary>
    public int EndPage { get; private set; }

    /// <summary>When <see cref="End"/> is <see cref="WalWalkEnd.InsideRecord"/>: how many of the bytes of the record at <see cref="RecordOffset"/> lie in this segment.</summary>
    public readonly uint TailLength => RecordLength - _tailRemaining;

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
    public readonly void CopyRecord(Span<byte> destination) => CopyFrom(RecordOffset, destination);

    /// <summary>Copies what lies here of the record of the segment before; the destination has <see cref="HeadLength"/> bytes.</summary>
    public readonly void CopyHead(Span<byte> destination) => CopyFrom(0, destination);

    /// <summary>The whole current record, if it lies within one page and can be read in place.</summary>
    public readonly bool TryGetInPlace(out ReadOnlySpan<byte> record)
    {
        record = RecordLength <= (uint)PageRest(RecordOffset) ? _segment.Slice(RecordOffset, (int)RecordLength) : default;
        return !record.IsEmpty;
    }

    /// <summary>True when the current record's checksum is right.</summary>
    public readonly bool HasValidChecksum()
    {
        const int checksumOffset = 20;
        if (TryGetInPlace(out var record))
        {
            return WalRecord.HasValidChecksum(record);
        }

        // Page by page, so that a record of any size needs no buffer.
        Span<byte> header = stackalloc byte[RecordHeaderSize];
        CopyRecord(header);
        var crc = Crc32C.Start;
        var position = RecordOffset;
        var skip = RecordHeaderSize;
        for (var left = (int)RecordLength; left > 0;)
        {
            if (position % _header.BlockSize == 0)
            {
                position += WalPage.HeaderSize(WalPage.Flags(_segment[position..]));
            }

            var take = Math.Min(left, PageRest(position));
            var skipped = Math.Min(skip, take);
            crc = Crc32C.Append(crc, _segment.Slice(position + skipped, take - skipped));
            skip -= skipped;
            left -= take;
            position += take;
        }

        crc = Crc32C.Append(crc, header[..checksumOffset]);
        return Crc32C.Finish(crc) == BinaryPrimitives.ReadUInt32LittleEndian(header[checksumOffset..]);
    }

    readonly void CopyFrom(int position, Span<byte> destination)
    {
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
        if (_segment.Length < WalPage.LongHeaderSize)
        {
            return Stop(WalWalkEnd.CutShort, _segment.Length);
        }

        if (!IsValidPage(0))
        {
            return Stop(WalWalkEnd.BadPage, 0);
        }

        _position = WalPage.HeaderSize(WalPage.Flags(_segment));
        if ((WalPage.Flags(_segment) & WalPage.FirstIsContinuation) == 0)
        {
            return true;
        }

        // The record began in the segment before: its rest is stepped over.
        HeadRemaining = WalPage.RemainingLength(_segment);
        if (HeadRemaining is 0 or > MaxRecordLength)
        {
            return Stop(WalWalkEnd.BadContinuation, 0);
        }

        RecordLength = HeadRemaining;
        var step = SkipData(HeadRemaining);
        HeadLength = step == Step.Record ? HeadRemaining : HeadRemaining - _tailRemaining;
        return step == Step.Overwritten || (step == Step.Record && AlignToRecord());
    }

    bool ReadRecordHeader()
    {
        if (_position > _segment.Length - Alignment)
        {
            return StopAtEndOfBytes();
        }

        // The length never straddles a page: records are aligned to 8 bytes, and so are pages.
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_segment[_position..]);
        if (length is < RecordHeaderSize or > MaxRecordLength)
        {
            return Stop(length == 0 ? WalWalkEnd.NoRecord : WalWalkEnd.BadLength, _position);
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

        RecordEnd = _position;
        if (PageRest(RecordOffset) >= RecordHeaderSize)
        {
            ReadHeaderFields(_segment.Slice(RecordOffset, RecordHeaderSize));
        }
        else
        {
            Span<byte> header = stackalloc byte[RecordHeaderSize];
            CopyRecord(header);
            ReadHeaderFields(header);
        }

        var start = _header.PageAddress.Value + (uint)RecordOffset;
        if (_previousRecord != 0 ? Previous != _previousRecord : Previous >= start)
        {
            Stop(WalWalkEnd.BadLink, RecordOffset);
            return Step.End;
        }

        _previousRecord = start;

        // Behind a switch record the segment holds nothing: RM_XLOG_ID with XLOG_SWITCH (src/include/catalog/pg_control.h).
        if (ResourceManager == WalResourceManager.Xlog && (Info & 0xF0) == 0x40)
        {
            _ended = true;
            Stop(WalWalkEnd.Switch, RecordOffset);
        }
        else if (!AlignToRecord())
        {
            _ended = true;
        }

        return Step.Record;
    }

    void ReadHeaderFields(scoped ReadOnlySpan<byte> header)
    {
        Info = header[16];
        ResourceManager = header[17];
        Previous = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
    }

    /// <summary>Moves over the data of a record, checking the header of every page it continues on.</summary>
    Step SkipData(uint length)
    {
        var remaining = length;
        while (true)
        {
            // The last page may be cut short.
            var rest = (uint)Math.Min(PageRest(_position), _segment.Length - _position);
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

            if (!HasPageHeader(_position))
            {
                _tailRemaining = remaining;
                Stop(_isWholeSegment ? WalWalkEnd.InsideRecord : WalWalkEnd.CutShort, RecordOffset);
                return Step.End;
            }

            if (!IsValidPage(_position))
            {
                StopInside(WalWalkEnd.BadPage);
                return Step.End;
            }

            var page = _segment[_position..];
            var flags = WalPage.Flags(page);
            if ((flags & WalPage.FirstIsContinuation) == 0)
            {
                if ((flags & WalPage.FirstOverwritesContinuation) == 0)
                {
                    StopInside(WalWalkEnd.NotContinued);
                    return Step.End;
                }

                // The record was lost; its place in the chain is taken by an XLOG_OVERWRITE_CONTRECORD here, whose own link is not checked.
                _previousRecord = 0;
                _position += WalPage.HeaderSize(flags);
                _tailRemaining = remaining;
                return Step.Overwritten;
            }

            if (WalPage.RemainingLength(page) != remaining)
            {
                StopInside(WalWalkEnd.BadContinuation);
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

        if (!HasPageHeader(_position))
        {
            return StopAtEndOfBytes();
        }

        if (!IsValidPage(_position))
        {
            return Stop(WalWalkEnd.BadPage, _position);
        }

        var flags = WalPage.Flags(_segment[_position..]);
        if ((flags & WalPage.FirstIsContinuation) != 0)
        {
            return Stop(WalWalkEnd.BadContinuation, _position);
        }

        _position += WalPage.HeaderSize(flags);
        return true;
    }

    bool StopAtEndOfBytes() => Stop(_isWholeSegment ? WalWalkEnd.EndOfSegment : WalWalkEnd.CutShort, _segment.Length);

    // The record cannot be read, whether its length or the page it goes on to is wrong: it is where recovery ends.
    void StopInside(WalWalkEnd end)
    {
        Stop(end, RecordOffset);
        EndPage = _position;
    }

    bool Stop(WalWalkEnd end, int offset)
    {
        End = end;
        EndOffset = EndPage = offset;
        return false;
    }

    readonly bool HasPageHeader(int offset) => offset <= _segment.Length - WalPage.ShortHeaderSize;

    bool IsValidPage(int offset)
    {
        var page = _segment[offset..];
        var flags = WalPage.Flags(page);
        var timeline = WalPage.Timeline(page);
        if (WalPage.Magic(page) != _magic
            || !WalPage.AreValidFlags(flags)
            || ((flags & WalPage.HasLongHeader) != 0) != (offset == 0 && !_startsInside)
            || WalPage.Address(page) != _header.PageAddress.Value + (uint)offset
            || timeline < _pageTimeline)
        {
            return false;
        }

        _pageTimeline = timeline;
        return true;
    }

    enum Step
    {
        Record,
        Overwritten,
        End,
    }
}
