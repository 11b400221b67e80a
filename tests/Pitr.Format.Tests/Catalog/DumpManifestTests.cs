using System.Text;
using Pitr.Format.Catalog;

namespace Pitr.Format.Tests.Catalog;

/// <summary>A manifest of a dump is taken only when its streams are made of exactly its parts.</summary>
public sealed class DumpManifestTests
{
    static DumpManifest Sample { get; } = new()
    {
        Id = "20261121T031500Z",
        Service = "shop",
        Kind = "postgres-dump",
        Product = "PostgreSQL",
        ServerVersion = "15.13",
        Streams = [new DumpStreamRecord("globals.sql", "sql", 10, "aa", 0, 1), new DumpStreamRecord("orders.dump", "pg_dump-custom", 20, "bb", 1, 2) { Database = "orders" }],
        Parts = [new StoredObject("a", 1, "x"), new StoredObject("b", 2, "y"), new StoredObject("c", 3, "z")],
    };

    [Fact]
    public void What_is_written_is_read_again()
    {
        var read = DumpManifest.Parse(Sample.ToJson());
        Assert.Equal(Sample.Parts, read.Parts);
        Assert.Equal([("globals.sql", 0, 1, null), ("orders.dump", 1, 2, "orders")], read.Streams.Select(s => (s.Name, s.FirstPart, s.PartCount, s.Database)));
        Assert.Empty(read.Streams[0].Properties);
    }

    [Theory]
    [InlineData("\"first-part\": 1", "\"first-part\": 0")]
    [InlineData("\"first-part\": 1", "\"first-part\": 2")]
    [InlineData("\"first-part\": 0", "\"first-part\": -1")]
    [InlineData("\"part-count\": 2", "\"part-count\": 1")]
    [InlineData("\"part-count\": 2", "\"part-count\": 3")]
    [InlineData("\"part-count\": 2", "\"part-count\": 2147483647")]
    [InlineData("\"part-count\": 1", "\"part-count\": 0")]
    [InlineData("\"orders.dump\"", "\"globals.sql\"")]
    [InlineData("\"PostgreSQL\"", "null")]
    public void What_does_not_fit_is_refused(string text, string instead)
    {
        var json = Encoding.UTF8.GetString(Sample.ToJson());
        Assert.Contains(text, json, StringComparison.Ordinal);
        Assert.Throws<DamagedObjectException>(() => DumpManifest.Parse(Encoding.UTF8.GetBytes(json.Replace(text, instead, StringComparison.Ordinal))));
    }

    [Fact]
    public void A_newer_format_is_refused() => Assert.Throws<UnsupportedFormatException>(
        () => DumpManifest.Parse(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Sample.ToJson()).Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal))));
}
