using System.Buffers.Binary;
using Pitr.Format.Compression;
using Pitr.Storage;

namespace Pitr.Operations.Repositories.Validation;

/// <summary>Content of any length that takes no memory, does not compress, and can be made again from its seed to compare.</summary>
/// <param name="length">Bytes.</param>
/// <param name="seed">Other seeds give other bytes.</param>
/// <param name="halfway">Awaited once when half of the bytes were given; throws what it likes.</param>
sealed class PatternContent(long length, int seed, Func<CancellationToken, Task>? halfway = null) : ObjectContent
{
    const int BlockSize = 256 << 10;

    readonly byte[] _block = Block(seed);

    public override long Length => length;

    public override Stream OpenRead() => new Reader(_block, length, halfway);

    /// <summary>The first bytes of the pattern.</summary>
    public static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        using var stream = new PatternContent(length, seed).OpenRead();
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Whether a stream gives exactly these bytes.</summary>
    /// <returns>How many bytes it gave before the first that is wrong; the whole length when none is.</returns>
    public async Task<long> CompareAsync(Stream stream, CancellationToken cancellation)
    {
        var given = new byte[BlockSize];
        var expected = new byte[BlockSize];
        await using var own = new Reader(_block, length, halfway: null);
        var same = 0L;
        while (true)
        {
            var read = await stream.ReadAtLeastAsync(given, given.Length, throwOnEndOfStream: false, cancellation);
            var wanted = own.Read(expected);
            var common = given.AsSpan(0, read).CommonPrefixLength(expected.AsSpan(0, wanted));
            same += common;
            if (read != wanted || common != read || read == 0)
            {
                return same;
            }
        }
    }

    static byte[] Block(int seed)
    {
        var block = new byte[BlockSize];
        new Random(seed).NextBytes(block);
        return block;
    }

    // Each block begins with its number, so that blocks which change places are found.
    sealed class Reader(byte[] block, long length, Func<CancellationToken, Task>? halfway) : ForwardOnlyStream
    {
        long _position;
        bool _wasHalfway;

        public override bool CanRead => true;

        public override long Length => length;

        public override int Read(Span<byte> buffer) => Give(buffer, length);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (halfway is null || _wasHalfway)
            {
                return Give(buffer.Span, length);
            }

            if (_position == length / 2)
            {
                _wasHalfway = true;
                await halfway(cancellationToken);
            }

            return Give(buffer.Span, _wasHalfway ? length : length / 2);
        }

        int Give(Span<byte> buffer, long end)
        {
            var given = 0;
            while (given < buffer.Length && _position < end)
            {
                var offset = (int)(_position % BlockSize);
                var count = (int)Math.Min(Math.Min(BlockSize - offset, buffer.Length - given), end - _position);
                var part = buffer.Slice(given, count);
                block.AsSpan(offset, count).CopyTo(part);
                Stamp(part, offset, _position / BlockSize);
                given += count;
                _position += count;
            }

            return given;
        }

        static void Stamp(Span<byte> part, int offset, long number)
        {
            Span<byte> stamp = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(stamp, number);
            if (offset < stamp.Length)
            {
                var count = Math.Min(stamp.Length - offset, part.Length);
                stamp.Slice(offset, count).CopyTo(part);
            }
        }
    }
}
