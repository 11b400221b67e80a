namespace Pitr.Postgres.Wal;

/// <summary>Undoes the compression of page images. The bytes come with a checksum of the record, and are trusted no further for that.</summary>
static class PageCompression
{
    /// <summary>PostgreSQL's own (pglz_decompress() of PostgreSQL 15 src/common/pg_lzcompress.c); fills the destination or fails.</summary>
    public static bool TryDecompressPglz(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        const int shortest = 3;
        const int extended = 18;
        var from = 0;
        var to = 0;
        while (from < source.Length && to < destination.Length)
        {
            var control = source[from++];
            for (var bit = 0; bit < 8 && from < source.Length && to < destination.Length; bit++, control >>= 1)
            {
                if ((control & 1) == 0)
                {
                    destination[to++] = source[from++];
                    continue;
                }

                if (from + 2 > source.Length)
                {
                    return false;
                }

                var length = (source[from] & 0x0F) + shortest;
                var distance = ((source[from] & 0xF0) << 4) | source[from + 1];
                from += 2;
                if (length == extended)
                {
                    if (from >= source.Length)
                    {
                        return false;
                    }

                    length += source[from++];
                }

                if (!TryRepeat(destination, ref to, distance, Math.Min(length, destination.Length - to)))
                {
                    return false;
                }
            }
        }

        return from == source.Length && to == destination.Length;
    }

    /// <summary>An LZ4 block (lz4's doc/lz4_Block_format.md); fills the destination or fails.</summary>
    public static bool TryDecompressLz4(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        const int shortest = 4;
        var from = 0;
        var to = 0;
        while (from < source.Length)
        {
            var token = source[from++];
            if (!TryReadLength(source, ref from, token >> 4, out var literals) || literals > source.Length - from || literals > destination.Length - to)
            {
                return false;
            }

            source.Slice(from, literals).CopyTo(destination[to..]);
            from += literals;
            to += literals;
            if (from == source.Length)
            {
                break;
            }

            if (from + 2 > source.Length)
            {
                return false;
            }

            var distance = source[from] | (source[from + 1] << 8);
            from += 2;
            if (!TryReadLength(source, ref from, token & 0x0F, out var length) || !TryRepeat(destination, ref to, distance, (long)length + shortest))
            {
                return false;
            }
        }

        return to == destination.Length;
    }

    static bool TryReadLength(ReadOnlySpan<byte> source, ref int from, int start, out int length)
    {
        const int more = 15;
        length = start;
        if (start < more)
        {
            return true;
        }

        while (from < source.Length && length <= WalPageImage.PageSize)
        {
            var next = source[from++];
            length += next;
            if (next != byte.MaxValue)
            {
                return true;
            }
        }

        return false;
    }

    // Source and destination may overlap: what was just written is repeated.
    static bool TryRepeat(Span<byte> destination, ref int to, int distance, long length)
    {
        if (distance == 0 || distance > to || length > destination.Length - to)
        {
            return false;
        }

        for (var i = 0; i < length; i++, to++)
        {
            destination[to] = destination[to - distance];
        }

        return true;
    }
}
