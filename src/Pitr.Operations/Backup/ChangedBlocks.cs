namespace Pitr.Operations.Backup;

/// <summary>
/// Which blocks of one relation's main fork WAL has changed: single ones, and all from the limit on. Chunks of 65536 blocks are kept as lists as long as they
/// are short, then as bitmaps, so 512 MiB of a relation take 8 KiB at most.
/// </summary>
sealed class ChangedBlocks
{
    /// <summary>The limit of a relation that was neither made nor truncated: no block has that number.</summary>
    public const uint NoLimit = uint.MaxValue;

    const int ChunkBits = 16;
    const int MostListed = 512;
    const int FirstListed = 4;
    const int BitmapWords = (1 << ChunkBits) / 64;
    const int ChunkBytes = 64;

    readonly SortedDictionary<uint, Chunk> _chunks = [];

    /// <summary>Every block from here on has changed.</summary>
    public uint Limit { get; private set; } = NoLimit;

    /// <summary>Bytes of memory that it takes, roughly.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a block.</summary>
    public void Add(uint block)
    {
        if (block >= Limit)
        {
            return;
        }

        if (!_chunks.TryGetValue(block >> ChunkBits, out var chunk))
        {
            _chunks.Add(block >> ChunkBits, chunk = new Chunk());
            Bytes += ChunkBytes;
        }

        Bytes += chunk.Add((ushort)block);
    }

    /// <summary>The relation was truncated to so many blocks, or made anew (0). The lowest limit counts, in whatever order they come.</summary>
    public void LowerTo(uint limit)
    {
        Limit = Math.Min(Limit, limit);
        if (limit == 0)
        {
            _chunks.Clear();
            Bytes = 0;
        }
    }

    /// <summary>The first changed block of a range.</summary>
    /// <param name="from">The first block to look at.</param>
    /// <param name="end">The one behind the last.</param>
    /// <returns><paramref name="end"/> if none has changed.</returns>
    public long FirstChanged(long from, long end)
    {
        var last = Math.Min(end, Limit);
        for (var at = from; at < last; at = ((at >> ChunkBits) + 1) << ChunkBits)
        {
            if (_chunks.TryGetValue((uint)(at >> ChunkBits), out var chunk) && chunk.First((ushort)at) is { } found)
            {
                return Math.Min(last, ((at >> ChunkBits) << ChunkBits) + found);
            }
        }

        return Math.Max(from, last);
    }

    /// <summary>Whether a block has changed.</summary>
    public bool Contains(long block) => FirstChanged(block, block + 1) == block;

    sealed class Chunk
    {
        // Ascending; null when there is a bitmap.
        ushort[]? _list = new ushort[FirstListed];
        int _count;
        ulong[]? _bitmap;

        /// <summary>Adds a block of this chunk; returns by how many bytes it has grown.</summary>
        public int Add(ushort block)
        {
            if (_bitmap is { } bitmap)
            {
                bitmap[block / 64] |= 1UL << (block % 64);
                return 0;
            }

            var place = Array.BinarySearch(_list!, 0, _count, block);
            return place >= 0 ? 0 : Insert(~place, block);
        }

        int Insert(int place, ushort block)
        {
            var grown = 0;
            if (_count == _list!.Length)
            {
                if (_count == MostListed)
                {
                    return ToBitmap() + Add(block);
                }

                Array.Resize(ref _list, _count * 2);
                grown = _count * sizeof(ushort);
            }

            _list.AsSpan(place, _count - place).CopyTo(_list.AsSpan(place + 1));
            _list[place] = block;
            _count++;
            return grown;
        }

        int ToBitmap()
        {
            _bitmap = new ulong[BitmapWords];
            foreach (var block in _list.AsSpan(0, _count))
            {
                Add(block);
            }

            _list = null;
            return (BitmapWords * sizeof(ulong)) - (MostListed * sizeof(ushort));
        }

        /// <summary>The first block from a place on; null if there is none.</summary>
        public int? First(ushort from)
        {
            if (_bitmap is not { } bitmap)
            {
                var place = Array.BinarySearch(_list!, 0, _count, from);
                place = place < 0 ? ~place : place;
                return place < _count ? _list![place] : null;
            }

            var bits = bitmap[from / 64] & (ulong.MaxValue << (from % 64));
            for (var word = from / 64; ; bits = bitmap[word])
            {
                if (bits != 0)
                {
                    return (word * 64) + System.Numerics.BitOperations.TrailingZeroCount(bits);
                }

                if (++word == BitmapWords)
                {
                    return null;
                }
            }
        }
    }
}
