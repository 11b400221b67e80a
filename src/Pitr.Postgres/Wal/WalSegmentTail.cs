using System.Buffers;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Reads the record that begins at the end of a segment file and goes on in the next, from the file's last pages only: who archives a
/// segment has the one before beside it in pg_wal, mostly.
/// </summary>
public static class WalSegmentTail
{
    const int FirstLook = 64 << 10;

    /// <summary>
    /// The end of the segment before one, if that one begins inside a record and the file before it is there and is the same cluster's.
    /// </summary>
    /// <param name="path">The segment itself, in pg_wal.</param>
    /// <param name="firstPage">Its beginning, at least a page.</param>
    /// <param name="header">Its header.</param>
    /// <returns>Null when nothing continues, or the file before is gone, recycled, unreadable or another's.</returns>
    public static WalSegmentEdges? ReadBefore(string path, ReadOnlySpan<byte> firstPage, WalSegmentHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        var size = header.SegmentSize;
        if ((WalPage.Flags(firstPage) & WalPage.FirstIsContinuation) == 0 || header.PageAddress.Value < (ulong)size.Bytes)
        {
            return null;
        }

        // The first page of a timeline's first segment is its parent's, and so is the segment before.
        var before = WalSegmentName.FromLsn(header.Timeline, new Lsn(header.PageAddress.Value - 1), size);
        var expected = header with { PageAddress = before.StartLsn(size) };
        try
        {
            using var file = File.OpenHandle(Path.Combine(Path.GetDirectoryName(path) ?? "", before.ToString()), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return IsSegment(file, expected) ? Read(file, expected) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is no error that it is gone: PostgreSQL recycles what is archived.
            return null;
        }
    }

    static bool IsSegment(Microsoft.Win32.SafeHandles.SafeFileHandle file, WalSegmentHeader expected)
    {
        Span<byte> start = stackalloc byte[WalSegmentHeader.Size];
        if (RandomAccess.GetLength(file) != expected.SegmentSize.Bytes || RandomAccess.Read(file, start, 0) < start.Length)
        {
            return false;
        }

        try
        {
            // The segment in which a timeline begins starts with its parent's pages.
            var header = WalSegmentHeader.Parse(start);
            return header.Timeline <= expected.Timeline && header with { Timeline = expected.Timeline } == expected;
        }
        catch (WalSegmentException)
        {
            return false;
        }
    }

    static WalSegmentEdges? Read(Microsoft.Win32.SafeHandles.SafeFileHandle file, WalSegmentHeader header)
    {
        for (var length = Math.Max(FirstLook, header.BlockSize); length < header.SegmentSize.Bytes; length *= 2)
        {
            var rented = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                var pages = rented.AsSpan(0, length);
                var offset = header.SegmentSize.Bytes - length;
                for (var read = 0; read < length;)
                {
                    var count = RandomAccess.Read(file, pages[read..], offset + read);
                    if (count == 0)
                    {
                        return null;
                    }

                    read += count;
                }

                if (LastPageWithRecord(pages, header.BlockSize) is { } page)
                {
                    return WalSegmentWalk.EndOf(pages[page..], header);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }

        // One record fills the segment but for its beginning: nothing that is counted is so long.
        return null;
    }

    static int? LastPageWithRecord(ReadOnlySpan<byte> pages, int blockSize)
    {
        for (var page = pages.Length - blockSize; page >= 0; page -= blockSize)
        {
            var header = pages[page..];
            var flags = WalPage.Flags(header);
            var rest = (flags & WalPage.FirstIsContinuation) == 0 ? 0 : WalPage.RemainingLength(header);
            const uint alignment = 8;
            if (((ulong)rest + alignment - 1) / alignment * alignment < (ulong)(blockSize - WalPage.HeaderSize(flags)))
            {
                return page;
            }
        }

        return null;
    }
}
