using Pitr.Format.Catalog;
using Pitr.Operations.Dumps;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>What a server held around a dump, held against what a restored one holds.</summary>
public sealed class StreamCountsTests
{
    [Fact]
    public void Both_counts_are_kept_and_nothing_if_one_is_missing()
    {
        var merged = StreamCounts.Merge([new("keys in db0", 10, 3), new("keys in db1", 1)], [new("keys in db0", 12, 2), new("keys in db2", 5)]);
        Assert.Equal([new("keys in db0", 10, 12, 3), new("keys in db1", 1, 0), new("keys in db2", 0, 5)], merged);
        Assert.Empty(StreamCounts.Merge([new("tables", 1)], null));
        Assert.Empty(StreamCounts.Merge(null, [new("tables", 1)]));
    }

    [Theory]
    [InlineData(10, 10, null, 10, 0, 0)]
    [InlineData(10, 10, null, 9, 1, 0)]
    [InlineData(10, 10, null, 11, 1, 0)]
    [InlineData(10, 12, null, 11, 0, 0)]
    [InlineData(10, 12, null, 13, 0, 1)]
    [InlineData(10, 10, 4L, 6, 0, 0)]
    [InlineData(10, 10, 4L, 5, 1, 0)]
    [InlineData(12, 10, 4L, 5, 0, 1)]
    public void What_lies_outside_is_wrong_if_nobody_wrote_and_unclear_otherwise(long before, long after, long? expiring, long found, int wrong, int unclear)
    {
        var compared = StreamCounts.Compare([new DumpCount("tables", before, after, expiring)], [new ServerCount("tables", found)]);
        Assert.Equal((wrong, unclear), (compared.Wrong.Count, compared.Unclear.Count));
    }

    [Fact]
    public void What_is_gone_or_was_not_there_is_wrong_and_without_counts_nothing_is()
    {
        Assert.Equal(["tables: 0, but the server had 2"], StreamCounts.Compare([new DumpCount("tables", 2, 2)], []).Wrong);
        Assert.Equal(["views: 1, but the server had none"], StreamCounts.Compare([new DumpCount("tables", 2, 2)], [new("tables", 2), new("views", 1)]).Wrong);
        var (wrong, unclear, found) = StreamCounts.Compare([], [new("tables", 2)]);
        Assert.Empty(wrong);
        Assert.Empty(unclear);
        Assert.Equal("tables: 2", found);
    }
}
