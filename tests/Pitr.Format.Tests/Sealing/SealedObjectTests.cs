using FsCheck.Fluent;
using Pitr.Format.Keys;
using Pitr.Format.Sealing;

namespace Pitr.Format.Tests.Sealing;

public class SealedObjectTests
{
    public static TheoryData<int> LengthsAroundChunks()
    {
        var lengths = new TheoryData<int>();
        foreach (var chunks in new[] { 0, 1, 2, 3 })
        {
            for (var around = -2; around <= 2; around++)
            {
                if ((chunks * 1024) + around >= 0)
                {
                    lengths.Add((chunks * 1024) + around);
                }
            }
        }

        return lengths;
    }

    [Theory]
    [MemberData(nameof(LengthsAroundChunks))]
    public void Every_length_around_a_chunk_boundary_comes_back(int length)
    {
        // Without compression the plaintext is what is cut into chunks.
        var plaintext = Samples.Incompressible(length);
        RoundTrip(plaintext, SealedObjectCodec.None, chunkSizeLog2: 10, step: 700);
    }

    [Fact]
    public void Whatever_is_sealed_comes_back_each_way() =>
        Gens.Holds(
            from plaintext in Gens.Bytes(200_000)
            from codec in Gen.Elements(SealedObjectCodec.None, SealedObjectCodec.Zstd)
            from chunk in Gen.Choose(10, 17)
            from step in Gen.Elements(100, 1024, 65_536, 1 << 20)
            select (plaintext, codec, chunk, step),
            sample => RoundTrip(sample.plaintext, sample.codec, sample.chunk, sample.step),
            runs: 150);

    [Fact]
    public void Compressed_lengths_meet_chunk_boundaries_too()
    {
        // Frames of incompressible data are a few bytes longer than the data, so some of these lengths fill the last chunk exactly.
        for (var length = 1000; length < 1040; length++)
        {
            RoundTrip(Samples.Incompressible(length), SealedObjectCodec.Zstd, chunkSizeLog2: 10, step: 300);
        }

        for (var length = 2030; length < 2060; length++)
        {
            RoundTrip(Samples.Incompressible(length), SealedObjectCodec.Zstd, chunkSizeLog2: 10, step: 5000);
        }
    }

    [Fact]
    public async Task The_asynchronous_way_is_the_same()
    {
        using var key = Samples.Key();
        var plaintext = Samples.Compressible(500_000);
        var header = SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.Zstd, key.Id, chunkSizeLog2: 12);
        var memory = new MemoryStream();
        await using (var writer = new SealedObjectWriter(memory, key, header))
        {
            foreach (var piece in plaintext.Chunk(33_333))
            {
                await writer.WriteAsync(piece);
            }

            await writer.CompleteAsync();
        }

        Assert.Equal(plaintext, SealedObject.Open(memory.ToArray(), key));
        memory.Position = 0;
        var read = await SealedObjectReader.ReadHeaderAsync(memory);
        Assert.Equal(header, read);
        await using var reader = new SealedObjectReader(memory, read, key);
        var copy = new MemoryStream();
        await reader.CopyToAsync(copy);
        Assert.Equal(plaintext, copy.ToArray());
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 16)]
    [InlineData(65_536, 16)]
    [InlineData(1 << 20, 16)]
    [InlineData((1 << 20) + 17, 10)]
    public void Sealing_in_place_gives_the_same_as_sealing_beside(int length, int chunkSizeLog2)
    {
        using var key = Samples.Key();
        foreach (var plaintext in new[] { Samples.Incompressible(length), Samples.Compressible(length) })
        {
            var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id, chunkSizeLog2: chunkSizeLog2);
            // Small chunks have more tags than the bound counts with.
            var destination = new byte[SealedObject.SealBound(length) + (chunkSizeLog2 == 16 ? 0 : 1 << 16)];
            Random.Shared.NextBytes(destination);

            var sealedLength = SealedObject.SealInto(plaintext, key, header, level: 1, destination);

            Assert.Equal(SealedObject.Seal(plaintext, key, header), destination.AsSpan(0, sealedLength).ToArray());
            Assert.Equal(plaintext, SealedObject.Open(destination.AsSpan(0, sealedLength), key));
        }

        Assert.Throws<ArgumentException>(() => SealedObject.SealInto(
            new byte[length], key, SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id), 1, new byte[SealedObject.SealBound(length) - 1]));
        Assert.Throws<ArgumentException>(() => SealedObject.SealInto(
            new byte[length], key, SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.None, key.Id), 1, new byte[SealedObject.SealBound(length)]));
    }

    [Fact]
    public void The_header_survives_and_is_readable_without_a_key()
    {
        var id = DataKeyId.New();
        var header = SealedObjectHeader.Create(
            SealedObjectKind.Wal, SealedObjectCodec.Zstd, id, 16 << 20, Samples.Sequence(16, 1), firstCommit: 123, lastCommit: long.MaxValue);
        var bytes = new byte[SealedObjectHeader.Size];
        header.Write(bytes);
        Assert.Equal(header, SealedObjectHeader.Parse(bytes));
        Assert.Equal(id, SealedObject.ReadKeyId(bytes));
        Assert.NotEqual(header.Salt, SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, id).Salt);
    }

    [Fact]
    public void Sealing_the_same_twice_shows_nothing_in_common()
    {
        using var key = Samples.Key();
        var plaintext = Samples.Compressible(5000);
        var first = SealedObject.Seal(plaintext, key, Header(key));
        var second = SealedObject.Seal(plaintext, key, Header(key));
        Assert.NotEqual(first.AsSpan(104).ToArray(), second.AsSpan(104).ToArray());
        Assert.Equal(plaintext.Length, SealedObjectHeader.Parse(first).PlaintextLength);
    }

    [Fact]
    public void An_object_without_its_end_cannot_be_opened()
    {
        using var key = Samples.Key();
        var memory = new MemoryStream();
        using (var writer = new SealedObjectWriter(memory, key, Header(key)))
        {
            writer.Write(Samples.Incompressible(300_000));
        }

        Assert.Throws<DamagedObjectException>(() => SealedObject.Open(memory.ToArray(), key));
        Assert.Throws<DamagedObjectException>(() => ReadAll(memory.ToArray(), key));
    }

    [Fact]
    public void Mistakes_of_the_caller_are_refused()
    {
        using var key = Samples.Key();
        using var other = DataKey.Create(Samples.Time);
        var pack = SealedObjectHeader.Create(SealedObjectKind.Pack, SealedObjectCodec.Zstd, key.Id);
        Assert.Throws<ArgumentException>(() => SealedObject.Seal([1], key, pack));
        Assert.Throws<ArgumentException>(() => new SealedObjectWriter(Stream.Null, key, pack));
        Assert.Throws<ArgumentException>(() => SealedObject.Seal([1], other, Header(key)));
        Assert.Throws<ArgumentException>(() => new SealedObjectWriter(Stream.Null, other, Header(key)));
        Assert.Throws<ArgumentException>(() => SealedObject.Seal([1], key, Header(key) with { PlaintextLength = 2 }));
        using var writer = new SealedObjectWriter(Stream.Null, key, Header(key) with { PlaintextLength = 2 });
        writer.Write([1]);
        Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.ThrowsAny<InvalidOperationException>(() => writer.Write([1, 2]));
        Assert.Throws<InvalidOperationException>(() => (Header(key) with { ChunkSizeLog2 = 9 }).Write(new byte[104]));
    }

    [Fact]
    public void Another_key_of_the_same_name_does_not_open()
    {
        using var key = Samples.Key();
        using var impostor = Samples.OtherKey();
        using var other = DataKey.Create(Samples.Time);
        var bytes = SealedObject.Seal(Samples.Compressible(1000), key, Header(key));
        Assert.Throws<DamagedObjectException>(() => SealedObject.Open(bytes, impostor));
        Assert.Contains(
            other.Id.ToString(), Assert.Throws<DamagedObjectException>(() => SealedObject.Open(bytes, other)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, 2, "version 2")]
    [InlineData(9, 2, "codec 2")]
    [InlineData(10, 4, "kind 4")]
    [InlineData(11, 9, "chunk size 2^ 9")]
    public void What_a_later_version_wrote_is_refused_as_such(int offset, byte value, string named)
    {
        using var key = Samples.Key();
        var bytes = SealedObject.Seal([1, 2, 3], key, Header(key));
        bytes[offset] = value;
        Assert.Contains(named, Assert.Throws<UnsupportedFormatException>(() => SealedObject.Open(bytes, key)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lie_about_the_length_is_found()
    {
        // Sealed by someone who has the key, so everything authenticates.
        using var key = Samples.Key();
        var header = SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.None, key.Id, plaintextLength: 7);
        var bytes = new byte[SealedObjectHeader.Size + 6 + ObjectCipher.TagSize];
        header.Write(bytes);
        using (var cipher = new ObjectCipher(key, header))
        {
            cipher.SealChunk(0, isLast: true, "sealed"u8, bytes.AsSpan(SealedObjectHeader.Size));
        }

        Assert.Contains("holds 6 bytes", Assert.Throws<DamagedObjectException>(() => SealedObject.Open(bytes, key)).Message, StringComparison.Ordinal);
        Assert.Throws<DamagedObjectException>(() => ReadAll(bytes, key));
    }

    internal static byte[] ReadAll(byte[] bytes, DataKey key)
    {
        var source = new MemoryStream(bytes);
        using var reader = new SealedObjectReader(source, SealedObjectReader.ReadHeader(source), key);
        var result = new MemoryStream();
        reader.CopyTo(result);
        return result.ToArray();
    }

    static SealedObjectHeader Header(DataKey key) => SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.Zstd, key.Id);

    static void RoundTrip(byte[] plaintext, SealedObjectCodec codec, int chunkSizeLog2, int step)
    {
        using var key = Samples.Key();
        SealedObjectHeader Header(long length) =>
            SealedObjectHeader.Create(SealedObjectKind.Stream, codec, key.Id, plaintextLength: length, chunkSizeLog2: chunkSizeLog2);

        var whole = SealedObject.Seal(plaintext, key, Header(0));
        Assert.Equal(plaintext, SealedObject.Open(whole, key));
        Assert.Equal(plaintext, ReadAll(whole, key));
        using var pooled = SealedObject.SealPooled(plaintext, key, Header(0));
        using var opened = SealedObject.OpenPooled(pooled.Span, key);
        Assert.Equal(whole.Length, pooled.Memory.Length);
        Assert.Equal(plaintext, opened.Memory.ToArray());

        foreach (var length in new long[] { 0, plaintext.Length })
        {
            var memory = new MemoryStream();
            using (var writer = new SealedObjectWriter(memory, key, Header(length)))
            {
                foreach (var piece in plaintext.Chunk(step))
                {
                    writer.Write(piece);
                }

                writer.Complete();
            }

            Assert.Equal(plaintext, SealedObject.Open(memory.ToArray(), key));
            Assert.Equal(plaintext, ReadAll(memory.ToArray(), key));
            if (codec == SealedObjectCodec.None)
            {
                Assert.Equal(whole.Length, memory.Length);
            }
        }
    }
}
