using System.Text;
using Pitr.Operations.Dumps.Mongodb;

namespace Pitr.Operations.Tests.Dumps.Mongodb;

/// <summary>The walk along an archive of mongodump, by the format's specification.</summary>
public sealed class MongodbArchiveTests
{
    static readonly byte[] One = ArchiveText.Document(("_id", 1), ("name", "Zoë"), ("picture", new byte[] { 0, 255, 255, 255, 255 }), ("price", 1.5), ("none", new object()));
    static readonly byte[] Two = ArchiveText.Document(("_id", 2));

    [Fact]
    public void The_checksum_is_that_of_the_tools()
    {
        // Check value of CRC-64/XZ.
        Assert.Equal(0x995DC9BBDF1939FAUL, ArchiveText.Crc(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(ArchiveText.Crc(Encoding.ASCII.GetBytes("123456789")), ArchiveText.Crc(Encoding.ASCII.GetBytes("1"), Encoding.ASCII.GetBytes("23456789")));
        Assert.Equal(0UL, ArchiveText.Crc());
    }

    [Fact]
    public void A_whole_archive_says_what_is_in_it()
    {
        var archive = Walk(Whole());
        Assert.Null(archive.WhyNotWhole());
        Assert.Equal("7.0.14", archive.ServerVersion);
        Assert.Equal(["shop", "stock"], archive.Databases);
        Assert.Equal(
            new Dictionary<string, long>(StringComparer.Ordinal) { ["oplog"] = 1, ["shop.orders"] = 2, ["shop.seen"] = 0, ["stock.heat"] = 0, ["stock.system.buckets.heat"] = 1 }, archive.Contents);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    public void It_does_not_matter_how_it_is_cut(int size)
    {
        var archive = new MongodbArchive();
        foreach (var chunk in Whole().Chunk(size))
        {
            archive.Add(chunk);
        }

        Assert.Null(archive.WhyNotWhole());
        Assert.Equal(2, archive.Contents["shop.orders"]);
    }

    [Fact]
    public void One_that_ends_too_early_is_not_whole_wherever_it_ends()
    {
        var whole = Whole();
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.NotNull(Walk(whole.AsSpan(0, length)).WhyNotWhole());
        }
    }

    [Fact]
    public void What_is_changed_in_a_document_is_noticed()
    {
        var whole = Whole();
        var at = whole.AsSpan().IndexOf(One) + One.Length - 3;
        whole[at] ^= 1;
        Assert.Equal("the checksum of collection shop.orders is wrong", Walk(whole).WhyNotWhole());
    }

    [Fact]
    public void No_bytes_make_it_fall_over()
    {
        var random = new Random(20261122);
        var whole = Whole();
        for (var round = 0; round < 20_000; round++)
        {
            var mutated = whole.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            }

            // Whatever it says, it says it.
            _ = Walk(mutated).WhyNotWhole();
        }
    }

    [Theory]
    [InlineData("header", "a block has no header")]
    [InlineData("twice", "collection shop.orders ends twice")]
    [InlineData("behind", "documents follow behind the end of their collection")]
    [InlineData("magic", "it does not begin as an archive of mongodump")]
    [InlineData("missing", "collection shop.orders is missing")]
    [InlineData("open", "collection shop.orders has no end")]
    [InlineData("length", "neither a document nor the end of a block follows")]
    public void What_is_wrong_is_said(string fault, string said)
    {
        var begun = new ArchiveText().Begin(("shop", "orders", "collection"));
        var bytes = fault switch
        {
            "header" => begun.End(),
            "twice" => begun.Last("shop", "orders", 0).Last("shop", "orders", 0),
            "behind" => begun.Write(ArchiveText.Document(("db", "shop"), ("collection", "orders"), ("EOF", true), ("CRC", 0L)), Two),
            "magic" => new ArchiveText().Write(Encoding.ASCII.GetBytes("PGDMP and more")),
            "open" => begun.Block("shop", "orders", One),
            "length" => begun.Write([1, 0, 0, 0]),
            _ => begun,
        };
        Assert.Equal(said, Walk(bytes.Bytes).WhyNotWhole());
    }

    [Fact]
    public void The_beginning_is_enough_to_know_what_there_is()
    {
        var archive = new MongodbArchive();
        var whole = Whole();
        var end = whole.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xFF, 0xFF, 0xFF]);
        archive.Add(whole.AsSpan(0, end + 3));
        Assert.False(archive.IsPreludeRead);
        // What comes behind may be wrong: that is for who reads all of it.
        archive.Add([.. whole.AsSpan(end + 3, 1), 1, 0, 0, 0]);
        Assert.True(archive.IsPreludeRead);
        Assert.Equal(["shop", "stock"], archive.Databases);
    }

    // Two collections that alternate, a view, a time series with its buckets, and the oplog.
    static byte[] Whole() => new ArchiveText()
        .Begin(("shop", "orders", "collection"), ("shop", "seen", "view"), ("stock", "heat", "timeseries"), ("", "oplog", ""))
        .Block("shop", "orders", One)
        .Block("shop", "seen")
        .Last("shop", "seen", 0)
        .Block("stock", "system.buckets.heat", Two)
        .Block("shop", "orders", Two)
        .Last("shop", "orders", ArchiveText.Crc(One, Two))
        .Last("stock", "system.buckets.heat", ArchiveText.Crc(Two))
        .Block("", "oplog", Two)
        .Last("", "oplog", ArchiveText.Crc(Two))
        .Bytes;

    static MongodbArchive Walk(ReadOnlySpan<byte> bytes)
    {
        var archive = new MongodbArchive();
        archive.Add(bytes);
        return archive;
    }
}
