using Pitr.Format.Keys;
using Pitr.Format.Sealing;

namespace Pitr.Format.Tests.Sealing;

/// <summary>Nothing but the very bytes that were written opens.</summary>
public class SealedObjectMutationTests
{
    [Fact]
    public void Every_flipped_bit_of_a_compressed_object_is_refused() => FlipEveryBit(Sealed(SealedObjectCodec.Zstd, Samples.Compressible(400)));

    [Fact]
    public void Every_flipped_bit_of_an_uncompressed_object_of_three_chunks_is_refused() =>
        FlipEveryBit(Sealed(SealedObjectCodec.None, Samples.Incompressible(2500)));

    [Fact]
    public void Every_flipped_bit_of_an_empty_object_is_refused() => FlipEveryBit(Sealed(SealedObjectCodec.None, []));

    [Theory]
    [InlineData(SealedObjectCodec.None)]
    [InlineData(SealedObjectCodec.Zstd)]
    public void Every_truncation_is_refused(SealedObjectCodec codec)
    {
        var bytes = Sealed(codec, Samples.Incompressible(2500));
        for (var length = 0; length < bytes.Length; length++)
        {
            RequireRefused(bytes[..length], $"first {length} of {bytes.Length} bytes");
        }
    }

    [Theory]
    [InlineData(SealedObjectCodec.None, 0)]
    [InlineData(SealedObjectCodec.None, 1024)]
    [InlineData(SealedObjectCodec.None, 2500)]
    [InlineData(SealedObjectCodec.Zstd, 2500)]
    public void Every_extension_is_refused(SealedObjectCodec codec, int length)
    {
        var bytes = Sealed(codec, Samples.Incompressible(length));
        for (var extra = 0; extra <= byte.MaxValue; extra++)
        {
            RequireRefused([.. bytes, (byte)extra], $"byte {extra} appended");
        }

        RequireRefused([.. bytes, .. new byte[16]], "an empty chunk appended");
        RequireRefused([.. bytes, .. bytes.AsSpan(SealedObjectHeader.Size)], "its content appended");
    }

    [Fact]
    public void Chunks_cannot_be_moved_dropped_or_repeated()
    {
        var bytes = Sealed(SealedObjectCodec.None, Samples.Incompressible(3 * 1024));
        var header = bytes[..104];
        var chunks = bytes[104..].Chunk(1024 + 16).ToArray();
        Assert.Equal(3, chunks.Length);
        foreach (var order in new int[][] { [1, 0, 2], [0, 2, 1], [2, 1, 0], [0, 2], [1, 2], [2], [0], [0, 1], [0, 0, 1, 2], [0, 1, 1, 2], [0, 1, 2, 2], [] })
        {
            RequireRefused([.. header, .. order.SelectMany(i => chunks[i])], string.Join(',', order));
        }
    }

    [Fact]
    public void Chunks_of_another_object_under_the_same_key_are_refused()
    {
        var one = Sealed(SealedObjectCodec.None, Samples.Incompressible(1500));
        var two = Sealed(SealedObjectCodec.None, Samples.Incompressible(1500));
        RequireRefused([.. one.AsSpan(0, 104), .. two.AsSpan(104)], "header of one, content of the other");
        RequireRefused([.. one.AsSpan(0, 104 + 1040), .. two.AsSpan(104 + 1040)], "last chunk of the other");
    }

    static byte[] Sealed(SealedObjectCodec codec, byte[] plaintext)
    {
        using var key = Samples.Key();
        var header = SealedObjectHeader.Create(SealedObjectKind.Wal, codec, key.Id, fingerprint: Samples.Sequence(16, 9), chunkSizeLog2: 10);
        return SealedObject.Seal(plaintext, key, header);
    }

    static void FlipEveryBit(byte[] bytes)
    {
        using var key = Samples.Key();
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            RequireRefused(bytes, $"bit {bit % 8} of byte {bit / 8} flipped", key);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        // So that the loop is known to have refused the flips and not the object.
        SealedObject.Open(bytes, key);
    }

    static void RequireRefused(byte[] bytes, string what)
    {
        using var key = Samples.Key();
        RequireRefused(bytes, what, key);
    }

    static void RequireRefused(byte[] bytes, string what, DataKey key)
    {
        Refusal.Required(() => SealedObject.Open(bytes, key), $"{what}, whole");
        Refusal.Required(() => SealedObjectTests.ReadAll(bytes, key), $"{what}, streamed");
    }
}
