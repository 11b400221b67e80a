using System.Buffers;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Walks one segment from end to end. What goes beyond its edges is put together by <see cref="WalRun"/>: a record that lies in
/// two segments belongs to the one it <i>ends</i> in, since it cannot be replayed without that one.
/// </summary>
static class WalSegmentWalk
{
    // Records are at most 1 GiB; what is looked at (commits, catalog rows) fits many times.
    const uint LongestVisited = 64 << 20;

    /// <summary>Walks; nothing is thrown whatever the content.</summary>
    /// <param name="segment">The segment's bytes from its start; may be cut short anywhere.</param>
    /// <param name="header">The header of that segment.</param>
    /// <param name="visitor">Gets each wanted record that lies wholly in the segment, in order. A wanted record with a wrong checksum ends the walk as damage.</param>
    /// <param name="verify">Whether the checksums of all other records are looked at too.</param>
    /// <param name="isBeginning">Whether the bytes are the beginning of a segment that is still written: then their end is no damage.</param>
    public static WalSegmentEdges Run(ReadOnlySpan<byte> segment, WalSegmentHeader header, IWalRecordVisitor visitor, bool verify, bool isBeginning = false)
    {
        var walker = new WalRecordWalker(segment, header);
        var overwrites = segment.Length >= WalSegmentHeader.Size && (WalPage.Flags(segment) & WalPage.FirstOverwritesContinuation) != 0;
        ulong firstPrevious = 0;
        Lsn? first = null;
        Lsn? last = null;
        WalDamage? damage = null;
        Span<byte> start = stackalloc byte[IWalRecordVisitor.StartLength];
        while (walker.MoveNext())
        {
            var position = header.PageAddress + (uint)walker.RecordOffset;
            if (!Look(in walker, header, position, visitor, verify, start))
            {
                damage = WalDamage.BadChecksum(position);
                break;
            }

            if (first is null)
            {
                (first, firstPrevious) = (position, walker.Previous);
            }

            last = position;
        }

        if (!isBeginning)
        {
            return Edges(in walker, header, header.SegmentSize.Bytes, overwrites, firstPrevious, first, last, damage ?? WalDamage.Of(in walker, header));
        }

        damage ??= walker.End == WalWalkEnd.CutShort ? null : WalDamage.Of(in walker, header);
        return Edges(in walker, header, segment.Length, overwrites, firstPrevious, first, last, damage);
    }

    /// <summary>Visits the records that begin on a page or behind it, as far as the bytes reach.</summary>
    /// <param name="segment">The segment's bytes from its start; may be cut short anywhere.</param>
    /// <param name="header">The header of that segment.</param>
    /// <param name="page">Offset of a page on which a record begins.</param>
    /// <param name="visitor">Gets each wanted record that lies wholly in the bytes, in order, until one has a wrong checksum.</param>
    /// <returns>Where the last of all records begins; null when there is none.</returns>
    public static Lsn? VisitFrom(ReadOnlySpan<byte> segment, WalSegmentHeader header, int page, IWalRecordVisitor visitor)
    {
        var walker = WalRecordWalker.FromPage(segment[page..], header, page);
        Lsn? last = null;
        Span<byte> start = stackalloc byte[IWalRecordVisitor.StartLength];
        while (walker.MoveNext())
        {
            var position = header.PageAddress + (uint)(page + walker.RecordOffset);
            if (!Look(in walker, header with { PageAddress = header.PageAddress + (uint)page }, position, visitor, verify: false, start))
            {
                break;
            }

            last = position;
        }

        return last;
    }

    static bool Look(in WalRecordWalker walker, WalSegmentHeader header, Lsn position, IWalRecordVisitor visitor, bool verify, Span<byte> startBuffer)
    {
        if (!visitor.MayWant(walker.ResourceManager, walker.Info))
        {
            return !verify || walker.HasValidChecksum();
        }

        var end = header.PageAddress + (uint)walker.RecordEnd;
        if (walker.TryGetInPlace(out var inPlace))
        {
            if (visitor.Wants(inPlace[..Math.Min(inPlace.Length, startBuffer.Length)], header.MajorVersion))
            {
                return Visit(inPlace, header, position, end, visitor);
            }

            return !verify || WalRecord.HasValidChecksum(inPlace);
        }

        var start = startBuffer[..(int)Math.Min(walker.RecordLength, (uint)startBuffer.Length)];
        walker.CopyRecord(start);
        if (walker.RecordLength > LongestVisited || !visitor.Wants(start, header.MajorVersion))
        {
            return !verify || walker.HasValidChecksum();
        }

        var rented = ArrayPool<byte>.Shared.Rent((int)walker.RecordLength);
        try
        {
            var record = rented.AsSpan(0, (int)walker.RecordLength);
            walker.CopyRecord(record);
            return Visit(record, header, position, end, visitor);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    static bool Visit(ReadOnlySpan<byte> bytes, WalSegmentHeader header, Lsn position, Lsn end, IWalRecordVisitor visitor)
    {
        if (!WalRecord.HasValidChecksum(bytes))
        {
            return false;
        }

        visitor.Visit(new WalRecord(bytes, position, end, header.MajorVersion));
        return true;
    }

    static WalSegmentEdges Edges(
        in WalRecordWalker walker, WalSegmentHeader header, int length, bool overwrites, ulong firstPrevious, Lsn? first, Lsn? last, WalDamage? damage)
    {
        var inside = damage is null && walker.End == WalWalkEnd.InsideRecord;
        var through = inside && walker.RecordOffset == 0;
        var head = new byte[walker.HeadLength];
        walker.CopyHead(head);
        var tail = inside && !through ? new byte[walker.TailLength] : [];
        walker.CopyRecord(tail);
        return new WalSegmentEdges
        {
            Start = header.PageAddress,
            End = header.PageAddress + (uint)length,
            MajorVersion = header.MajorVersion,
            Damage = damage,
            FirstRecord = first,
            LastRecord = last,
            FirstPrevious = firstPrevious,
            HeadRemaining = walker.HeadRemaining,
            Head = head,
            Overwrites = overwrites,
            Tail = tail,
            TailRecordLength = tail.Length > 0 ? walker.RecordLength : 0,
            TailPosition = header.PageAddress + (uint)walker.RecordOffset,
            ContinuesThrough = through,
        };
    }

    /// <summary>
    /// The edges of a segment as far as they matter to the next one, read from its last pages only.
    /// </summary>
    /// <param name="pages">From a page on which a record begins to the segment's end.</param>
    /// <param name="header">The segment's header.</param>
    public static WalSegmentEdges EndOf(ReadOnlySpan<byte> pages, WalSegmentHeader header)
    {
        var walker = WalRecordWalker.FromPage(pages, header, header.SegmentSize.Bytes - pages.Length);
        while (walker.MoveNext())
        {
        }

        var inside = walker.End == WalWalkEnd.InsideRecord && walker.RecordOffset > 0;
        var tail = inside ? new byte[walker.TailLength] : [];
        walker.CopyRecord(tail);
        var offset = (uint)(header.SegmentSize.Bytes - pages.Length);
        return new WalSegmentEdges
        {
            Start = header.PageAddress,
            End = header.PageAddress + (uint)header.SegmentSize.Bytes,
            MajorVersion = header.MajorVersion,
            Damage = null,
            FirstRecord = null,
            LastRecord = walker.LastRecord == 0 ? null : new Lsn(walker.LastRecord),
            Tail = tail,
            TailRecordLength = inside ? walker.RecordLength : 0,
            TailPosition = header.PageAddress + offset + (uint)walker.RecordOffset,
        };
    }
}
