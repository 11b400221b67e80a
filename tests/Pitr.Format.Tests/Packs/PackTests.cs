using FsCheck.Fluent;
using Pitr.Format.Keys;
using Pitr.Format.Packs;
using Pitr.Format.Sealing;

namespace Pitr.Format.Tests.Packs;

public class PackTests
{
    [Fact]
    public void Every_record_comes_back_in_any_order() =>
        Gens.Holds(Gens.Bytes(50_000).Where(bytes => bytes.Length > 0).ListOf(), pieces =>
        {
            using var key = Samples.Key();
            var (pack, records) = Build(key, pieces);
            Assert.Equal(pack.Length, records.Aggregate(104L, (offset, record) =>
            {
                Assert.Equal(offset, record.Offset);
                return offset + record.StoredLength;
            }));

            using var reader = new PackReader(pack.AsSpan(0, 104), key);
            foreach (var record in records.Reverse())
            {
                var expected = pieces[record.Index];
                using var content = reader.Decode(record.Index, Stored(pack, record));
                Assert.Equal(expected, content.Memory.ToArray());
                var destination = new byte[expected.Length + 5];
                Assert.Equal(expected.Length, reader.Decode(record.Index, Stored(pack, record), destination));
                Assert.Equal(expected, destination[..expected.Length]);
            }
        }, runs: 50);

    [Fact]
    public void A_pack_grows_beyond_its_first_buffer()
    {
        using var key = Samples.Key();
        using var writer = new PackWriter(key);
        var piece = Samples.Incompressible(1 << 20);
        for (var i = 0; i < 50; i++)
        {
            writer.Add(piece);
        }

        var pack = writer.Finish();
        Assert.Equal(50, writer.RecordCount);
        Assert.Equal(writer.StoredLength, pack.Length);
        using var reader = new PackReader(pack.Span, key);
        var stored = (pack.Length - 104) / 50;
        using var last = reader.Decode(49, pack.Span[^stored..]);
        Assert.Equal(piece, last.Memory.ToArray());
    }

    [Fact]
    public void Every_flipped_bit_of_header_and_record_is_refused()
    {
        using var key = Samples.Key();
        var (pack, records) = Build(key, [Samples.Compressible(300), Samples.Incompressible(200)]);
        var record = records[1];
        for (var bit = 0; bit < pack.Length * 8; bit++)
        {
            if (bit / 8 >= records[0].Offset && bit / 8 < record.Offset)
            {
                continue;
            }

            pack[bit / 8] ^= (byte)(1 << (bit % 8));
            Refusal.Required(() => Decode(pack, record, key), $"bit {bit % 8} of byte {bit / 8} flipped");
            pack[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Decode(pack, record, key);
    }

    [Fact]
    public void Every_truncation_extension_and_exchange_of_a_record_is_refused_by_its_index()
    {
        using var key = Samples.Key();
        var (pack, records) = Build(key, [Samples.Incompressible(200), Samples.Incompressible(200)]);
        using var reader = new PackReader(pack, key);
        for (var length = 0; length < records[0].StoredLength; length++)
        {
            var message = Assert.Throws<DamagedObjectException>(() => reader.Decode(0, pack.AsSpan(104, length)).Dispose()).Message;
            Assert.Contains("record 0", message, StringComparison.Ordinal);
        }

        Assert.Throws<DamagedObjectException>(() => reader.Decode(0, pack.AsSpan(104, records[0].StoredLength + 1)).Dispose());
        Assert.Throws<DamagedObjectException>(() => reader.Decode(0, Stored(pack, records[1])).Dispose());
        Assert.Throws<DamagedObjectException>(() => reader.Decode(1, Stored(pack, records[0])).Dispose());
        Assert.Throws<DamagedObjectException>(() => reader.Decode(0, Stored(pack, records[0]), new byte[199]));
        for (var length = 0; length < 104; length++)
        {
            Assert.Throws<DamagedObjectException>(() => new PackReader(pack.AsSpan(0, length), key).Dispose());
        }
    }

    [Fact]
    public void A_record_of_another_pack_is_refused()
    {
        using var key = Samples.Key();
        var (one, records) = Build(key, [Samples.Incompressible(200)]);
        var (two, _) = Build(key, [Samples.Incompressible(200)]);
        using var reader = new PackReader(one, key);
        Assert.Throws<DamagedObjectException>(() => reader.Decode(0, Stored(two, records[0])).Dispose());
    }

    [Fact]
    public void Packs_and_other_objects_are_told_apart()
    {
        using var key = Samples.Key();
        var (pack, _) = Build(key, [Samples.Incompressible(200)]);
        Assert.Throws<DamagedObjectException>(() => SealedObject.Open(pack, key));
        var stream = SealedObject.Seal([1], key, SealedObjectHeader.Create(SealedObjectKind.Stream, SealedObjectCodec.Zstd, key.Id));
        Assert.Contains("kind stream", Assert.Throws<DamagedObjectException>(() => new PackReader(stream, key).Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_of_the_caller_are_refused()
    {
        using var key = Samples.Key();
        var writer = new PackWriter(key);
        Assert.Throws<ArgumentException>(() => writer.Add([]));
        Assert.Throws<ArgumentException>(() => writer.Add(new byte[PackWriter.MaximumRecordLength + 1]));
        writer.Finish();
        Assert.Throws<InvalidOperationException>(() => writer.Add([1]));
        writer.Dispose();
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.Finish());
    }

    static (byte[] Pack, PackRecord[] Records) Build(DataKey key, IEnumerable<byte[]> pieces)
    {
        using var writer = new PackWriter(key);
        var records = pieces.Select(piece => writer.Add(piece)).ToArray();
        return (writer.Finish().ToArray(), records);
    }

    static ReadOnlySpan<byte> Stored(byte[] pack, PackRecord record) => pack.AsSpan((int)record.Offset, record.StoredLength);

    static void Decode(byte[] pack, PackRecord record, DataKey key)
    {
        using var reader = new PackReader(pack.AsSpan(0, 104), key);
        reader.Decode(record.Index, Stored(pack, record)).Dispose();
    }
}
