using FsCheck.Fluent;
using Pitr.Format.Compression;

namespace Pitr.Format.Tests.Compression;

public class ZstdTests
{
    [Fact]
    public void Whatever_is_compressed_comes_back() =>
        Gens.Holds(Gens.Bytes(300_000).Zip(Gen.Elements(1, 3, 9)), sample =>
        {
            var (plaintext, level) = sample;
            var frame = new byte[Zstd.CompressBound(plaintext.Length)];
            frame = frame[..Zstd.Compress(plaintext, frame, level)];
            Assert.Equal(plaintext.Length, Zstd.FrameContentSize(frame));
            var result = new byte[plaintext.Length];
            Assert.Equal(plaintext.Length, Zstd.Decompress(frame, result));
            Assert.Equal(plaintext, result);
        }, runs: 100);

    [Fact]
    public void Streams_and_single_calls_understand_each_other() =>
        Gens.Holds(Gens.Bytes(400_000).Zip(Gen.Elements(1, 7, 4096, 131_072, 1 << 20)), sample =>
        {
            var (plaintext, step) = sample;
            if (step < 4096)
            {
                plaintext = plaintext[..Math.Min(plaintext.Length, 10_000)];
            }

            var memory = new MemoryStream();
            using (var stream = new ZstdCompressStream(memory))
            {
                foreach (var piece in plaintext.Chunk(step))
                {
                    stream.Write(piece);
                }

                stream.Complete();
                Assert.Throws<InvalidOperationException>(() => stream.Write([1]));
            }

            var result = new byte[plaintext.Length];
            Assert.Equal(plaintext.Length, Zstd.Decompress(memory.ToArray(), result));
            Assert.Equal(plaintext, result);

            memory.Position = 0;
            using var reader = new ZstdDecompressStream(memory);
            var copy = new MemoryStream();
            reader.CopyTo(copy, Math.Max(step, 16));
            Assert.Equal(plaintext, copy.ToArray());
        }, runs: 100);

    [Fact]
    public async Task The_asynchronous_way_is_the_same()
    {
        var plaintext = Samples.Compressible(1_000_000);
        var memory = new MemoryStream();
        await using (var stream = new ZstdCompressStream(memory, contentSize: plaintext.Length))
        {
            await stream.WriteAsync(plaintext);
            stream.Complete();
        }

        Assert.Equal(plaintext.Length, Zstd.FrameContentSize(memory.ToArray()));
        memory.Position = 0;
        await using var reader = new ZstdDecompressStream(memory);
        var copy = new MemoryStream();
        await reader.CopyToAsync(copy);
        Assert.Equal(plaintext, copy.ToArray());
    }

    [Fact]
    public void Only_one_whole_frame_is_accepted()
    {
        var plaintext = Samples.Compressible(200_000);
        var frame = new byte[Zstd.CompressBound(plaintext.Length)];
        frame = frame[..Zstd.Compress(plaintext, frame, 1)];
        var room = new byte[2 * plaintext.Length];
        foreach (var wrong in new[] { [], frame[..3], frame[..^1], [.. frame, 0], [.. frame, .. frame], Samples.Incompressible(100) })
        {
            Assert.Throws<DamagedObjectException>(() => Zstd.Decompress(wrong, room));
            Assert.Throws<DamagedObjectException>(() => new ZstdDecompressStream(new MemoryStream(wrong)).CopyTo(Stream.Null));
        }

        Assert.Throws<DamagedObjectException>(() => Zstd.Decompress(frame, room.AsSpan(0, plaintext.Length - 1)));
        Assert.Throws<DamagedObjectException>(() => Zstd.FrameContentSize("not a frame"u8));
        Assert.Throws<ArgumentException>(() => Zstd.Compress(Samples.Incompressible(100), new byte[50], 1));
    }

    [Fact]
    public void The_bound_is_that_of_the_library()
    {
        // zstd.h: ZSTD_compressBound(0) = 64, and nothing is ever larger than the bound.
        Assert.Equal(64, Zstd.CompressBound(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Zstd.CompressBound(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => Zstd.CompressBound(-1));
    }
}
