using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Wal;

public class WalSegmentSizeTests
{
    [Fact]
    public void Every_power_of_two_from_1_MiB_to_1_GiB_is_a_size()
    {
        for (var bits = 20; bits <= 30; bits++)
        {
            var size = WalSegmentSize.From(1L << bits);
            Assert.Equal(1 << bits, size.Bytes);
            Assert.Equal(1L << 32, (long)size.Bytes * size.SegmentsPerLog);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1 << 19)]
    [InlineData((1 << 24) + 1)]
    [InlineData(3 << 20)]
    [InlineData(1L << 31)]
    [InlineData(long.MinValue)]
    public void Anything_else_is_not(long bytes)
    {
        Assert.False(WalSegmentSize.IsValid(bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => WalSegmentSize.From(bytes));
    }

    [Fact]
    public void The_default_value_is_PostgreSQLs_default()
    {
        Assert.Equal(16 << 20, default(WalSegmentSize).Bytes);
        Assert.Equal(WalSegmentSize.From(16 << 20), WalSegmentSize.Default);
        Assert.Equal(256u, WalSegmentSize.Default.SegmentsPerLog);
    }
}
