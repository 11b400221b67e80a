using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// What the first page of a WAL segment says about the segment (XLogLongPageHeaderData of PostgreSQL 15
/// src/include/access/xlog_internal.h; the same layout in 14 to 18).
/// </summary>
/// <param name="MajorVersion">14 to 18, from the page magic.</param>
/// <param name="Timeline">
/// Timeline of the first page. In the segment where a timeline begins it is that of the parent when the switch happened after the first page.
/// </param>
/// <param name="PageAddress">LSN of the segment's first byte.</param>
/// <param name="BlockSize">WAL block size in bytes, 8192 unless PostgreSQL was built otherwise.</param>
public sealed record WalSegmentHeader(
    int MajorVersion,
    Timeline Timeline,
    Lsn PageAddress,
    ulong SystemIdentifier,
    WalSegmentSize SegmentSize,
    int BlockSize)
{
    /// <summary>Bytes of the file that <see cref="Parse"/> needs.</summary>
    public const int Size = WalPage.LongHeaderSize;

    /// <summary>Reads the header from the beginning of a segment; at least <see cref="Size"/> bytes, more are ignored.</summary>
    /// <exception cref="WalSegmentException">Too short, unknown page magic, or fields that no WAL segment has.</exception>
    public static WalSegmentHeader Parse(ReadOnlySpan<byte> firstPage)
    {
        if (firstPage.Length < Size)
        {
            throw new WalSegmentException($"not a WAL segment: {firstPage.Length} bytes, its header alone has {Size}");
        }

        var magic = WalPage.Magic(firstPage);
        if (!WalVersion.TryGetMajor(magic, out var major))
        {
            throw new WalSegmentException(
                magic == 0 && firstPage[..Size].IndexOfAnyExcept((byte)0) < 0
                    ? "not a WAL segment: it starts with zeros, as a segment does that PostgreSQL has not written to yet"
                    : $"not a WAL segment of a supported PostgreSQL version: page magic {magic:X4}, known are {WalVersion.Supported}");
        }

        var flags = WalPage.Flags(firstPage);
        if (!WalPage.AreValidFlags(flags) || (flags & WalPage.HasLongHeader) == 0)
        {
            throw new WalSegmentException($"not the beginning of a WAL segment: page flags {flags:X4} lack the long header");
        }

        var timeline = WalPage.Timeline(firstPage);
        if (timeline == 0)
        {
            throw new WalSegmentException("damaged WAL segment: its first page names timeline 0");
        }

        var segmentSize = WalPage.SegmentSize(firstPage);
        if (!WalSegmentSize.IsValid(segmentSize))
        {
            throw new WalSegmentException($"damaged WAL segment: its header names a segment size of {segmentSize} bytes, not a power of two from 1 MiB to 1 GiB");
        }

        var blockSize = WalPage.BlockSize(firstPage);
        if (blockSize is < 1024 or > 65536 || (blockSize & (blockSize - 1)) != 0)
        {
            throw new WalSegmentException($"damaged WAL segment: its header names a WAL block size of {blockSize} bytes, not a power of two from 1024 to 65536");
        }

        var address = WalPage.Address(firstPage);
        if ((address & (segmentSize - 1)) != 0)
        {
            throw new WalSegmentException($"damaged WAL segment: its first page says {new Lsn(address)}, which is no segment boundary with segments of {segmentSize} bytes");
        }

        return new WalSegmentHeader(
            major,
            new Timeline(timeline),
            new Lsn(address),
            WalPage.SystemIdentifier(firstPage),
            WalSegmentSize.From((int)segmentSize),
            (int)blockSize);
    }

    /// <summary>
    /// Proves that a file of this header belongs under this name: the address is the name's, the length is one whole segment and the
    /// timeline is not above the name's. It may be below: the first segment of a new timeline starts with a copy of its parent's WAL.
    /// </summary>
    /// <param name="fileLength">Bytes; a <c>.partial</c> file is a whole segment too.</param>
    /// <exception cref="WalSegmentException">Something differs; the message has both values.</exception>
    public void RequireMatches(WalSegmentName name, long fileLength)
    {
        if (!name.IsValidFor(SegmentSize))
        {
            throw new WalSegmentException($"WAL segment {name}: no such name exists with the segment size its header gives, {SegmentSize}");
        }

        var expected = name.StartLsn(SegmentSize);
        if (PageAddress != expected)
        {
            throw new WalSegmentException($"WAL segment {name}: its content is of {PageAddress}, its name means {expected}");
        }

        if (fileLength != SegmentSize.Bytes)
        {
            throw new WalSegmentException($"WAL segment {name}: the file has {fileLength} bytes, its header says segments of {SegmentSize.Bytes}");
        }

        if (Timeline > name.Timeline)
        {
            throw new WalSegmentException($"WAL segment {name}: its content is of timeline {Timeline}, its name of timeline {name.Timeline}");
        }
    }
}
