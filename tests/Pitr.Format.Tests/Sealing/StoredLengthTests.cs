using Pitr.Format.Keys;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;
using Xunit;

namespace Pitr.Format.Tests.Sealing;

public class StoredLengthTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(5000)]
    public void Every_real_object_has_a_possible_length(int length)
    {
        using var key = DataKey.Create(DateTimeOffset.UnixEpoch);
        foreach (var codec in Enum.GetValues<SealedObjectCodec>())
        {
            var header = SealedObjectHeader.Create(SealedObjectKind.Stream, codec, key.Id, chunkSizeLog2: 10);
            var bytes = SealedObject.Seal(new byte[length], key, header);
            SealedObjectHeader.Parse(bytes).RequireStoredLength(bytes.Length);
        }
    }

    [Fact]
    public void Without_compression_one_byte_less_or_more_is_found()
    {
        using var key = DataKey.Create(DateTimeOffset.UnixEpoch);
        var bytes = SealedObject.Seal(new byte[5000], key, SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.None, key.Id));
        var header = SealedObjectHeader.Parse(bytes);
        Assert.Throws<DamagedObjectException>(() => header.RequireStoredLength(bytes.Length - 1));
        Assert.Throws<DamagedObjectException>(() => header.RequireStoredLength(bytes.Length + 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(104)]
    [InlineData(104 + 15)]
    [InlineData(104 + 16)]
    [InlineData(104 + 1040 + 1)]
    [InlineData(104 + 1040 + 16)]
    public void Lengths_that_no_whole_number_of_chunks_gives_are_found(long length)
    {
        using var key = DataKey.Create(DateTimeOffset.UnixEpoch);
        var header = SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.Zstd, key.Id, chunkSizeLog2: 10);
        Assert.Throws<DamagedObjectException>(() => header.RequireStoredLength(length));
        header.RequireStoredLength(104 + 1040 + 17);
    }

    [Fact]
    public void A_pack_ends_with_a_record()
    {
        using var key = DataKey.Create(DateTimeOffset.UnixEpoch);
        using var writer = new PackWriter(key);
        writer.Add(new byte[1000]);
        var pack = writer.Finish();
        var header = SealedObjectHeader.Parse(pack.Span);
        header.RequireStoredLength(pack.Length);
        Assert.Throws<DamagedObjectException>(() => header.RequireStoredLength(SealedObjectHeader.Size + 16));
        Assert.Throws<DamagedObjectException>(() => header.RequireStoredLength(SealedObjectHeader.Size - 1));
    }
}
