using FsCheck.Fluent;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Wal;

public class WalSegmentNameTests
{
    [Theory]
    [InlineData(1 << 24, 0x0_A1000000UL, "0000000100000000000000A1")]
    [InlineData(1 << 24, 0x1_00000000UL, "000000010000000100000000")]
    [InlineData(1 << 20, 0x1_00000000UL - 1, "000000010000000000000FFF")]
    [InlineData(1 << 30, 0x1_00000000UL - 1, "000000010000000000000003")]
    [InlineData(1 << 26, 0x2_10000000UL, "000000010000000200000004")]
    public void A_position_lies_in_the_segment_PostgreSQL_names(int size, ulong lsn, string name)
    {
        // pg_walfile_name() of clusters made with that --wal-segsize.
        Assert.Equal(name, WalSegmentName.FromLsn(new Timeline(1), new Lsn(lsn), WalSegmentSize.From(size)).ToString());
    }

    [Fact]
    public void Names_and_positions_agree_for_all_segment_sizes() =>
        Gens.Holds(Gens.Lsn.SelectMany(_ => Gens.SegmentSize, (lsn, size) => (lsn, size)).SelectMany(_ => Gens.Timeline, (p, tl) => (p.lsn, p.size, tl)), sample =>
        {
            var (lsn, size, timeline) = sample;
            var name = WalSegmentName.FromLsn(timeline, lsn, size);
            var start = name.StartLsn(size);
            Assert.True(name.IsValidFor(size));
            Assert.True(start <= lsn && lsn - start < (ulong)size.Bytes);
            Assert.Equal(name, WalSegmentName.FromNumber(timeline, name.Number(size), size));
            Assert.Equal(name, WalSegmentName.Parse(name.ToString()));
            Assert.Equal(24, name.ToString().Length);
        });

    [Fact]
    public void Next_and_previous_are_inverse_and_adjacent() =>
        Gens.Holds(Gens.Lsn.SelectMany(_ => Gens.SegmentSize, (lsn, size) => (lsn, size)), sample =>
        {
            var (lsn, size) = sample;
            var name = WalSegmentName.FromLsn(new Timeline(3), lsn, size);
            if (lsn.Value > ulong.MaxValue - (ulong)size.Bytes)
            {
                return;
            }

            var next = name.Next(size);
            Assert.Equal(name, next.Previous(size));
            Assert.Equal((ulong)size.Bytes, next.StartLsn(size) - name.StartLsn(size));
            Assert.True(name < next);
            Assert.True(string.CompareOrdinal(name.ToString(), next.ToString()) < 0);
        });

    [Fact]
    public void The_ends_are_ends()
    {
        Assert.Throws<OverflowException>(() => WalSegmentName.Parse("0000000100000000" + "00000000").Previous(WalSegmentSize.Default));
        Assert.Throws<OverflowException>(() => WalSegmentName.Parse("00000001FFFFFFFF" + "000000FF").Next(WalSegmentSize.Default));
    }

    [Fact]
    public void A_name_that_cannot_exist_with_the_size_is_refused()
    {
        var name = WalSegmentName.Parse("000000010000000000000100");
        Assert.False(name.IsValidFor(WalSegmentSize.Default));
        Assert.True(name.IsValidFor(WalSegmentSize.From(1 << 20)));
        Assert.Contains(name.ToString(), Assert.Throws<ArgumentException>(() => name.StartLsn(WalSegmentSize.Default)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000001000000000000000")]
    [InlineData("0000000100000000000000A10")]
    [InlineData("0000000100000000000000a1")]
    [InlineData("0000000100000000000000G1")]
    [InlineData("0000000000000000000000A1")]
    [InlineData(" 000000100000000000000A1")]
    [InlineData("0000000100000000000000٣1")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(WalSegmentName.TryParse(text, out _));
        Assert.Throws<FormatException>(() => WalSegmentName.Parse(text));
    }
}
