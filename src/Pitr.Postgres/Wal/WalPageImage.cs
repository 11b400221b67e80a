using Pitr.Format;
using Pitr.Format.Compression;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Makes a page from the image in a record (RestoreBlockImage() of PostgreSQL 15 src/backend/access/transam/xlogreader.c): the hole in its
/// middle is left out, and wal_compression may have compressed the rest.
/// </summary>
static class WalPageImage
{
    /// <summary>Page size of every packaged PostgreSQL; images of servers built otherwise are not read.</summary>
    public const int PageSize = 8192;

    const byte HasHole = 0x01;
    const byte Compressed14 = 0x02;
    const byte CompressedPglz = 0x04;
    const byte CompressedLz4 = 0x08;
    const byte CompressedZstd = 0x10;

    public static bool IsCompressed(byte info, int majorVersion) =>
        (info & (majorVersion < 15 ? Compressed14 : CompressedPglz | CompressedLz4 | CompressedZstd)) != 0;

    /// <summary>Fills a page of <see cref="PageSize"/> bytes; false when the image is not one of such a page.</summary>
    public static bool TryRestore(in WalBlockReader block, int majorVersion, Span<byte> page)
    {
        var image = block.Image;
        var hole = (block.ImageInfo & HasHole) == 0 ? 0 : PageSize - image.Length;
        if (!IsCompressed(block.ImageInfo, majorVersion))
        {
            return Spread(image, block.HoleOffset, hole, page);
        }

        hole = (block.ImageInfo & HasHole) == 0 ? 0 : block.HoleLength;
        if (hole >= PageSize)
        {
            return false;
        }

        Span<byte> content = stackalloc byte[PageSize];
        content = content[..(PageSize - hole)];
        return TryDecompress(image, block.ImageInfo, majorVersion, content) && Spread(content, block.HoleOffset, hole, page);
    }

    static bool TryDecompress(ReadOnlySpan<byte> image, byte info, int majorVersion, Span<byte> content)
    {
        if (majorVersion < 15 || (info & CompressedPglz) != 0)
        {
            return PageCompression.TryDecompressPglz(image, content);
        }

        if ((info & CompressedLz4) != 0)
        {
            return PageCompression.TryDecompressLz4(image, content);
        }

        try
        {
            return Zstd.Decompress(image, content) == content.Length;
        }
        catch (DamagedObjectException)
        {
            return false;
        }
    }

    static bool Spread(ReadOnlySpan<byte> content, int holeOffset, int hole, Span<byte> page)
    {
        if (content.Length + hole != PageSize || holeOffset > content.Length)
        {
            return false;
        }

        content[..holeOffset].CopyTo(page);
        page.Slice(holeOffset, hole).Clear();
        content[holeOffset..].CopyTo(page[(holeOffset + hole)..]);
        return true;
    }
}
