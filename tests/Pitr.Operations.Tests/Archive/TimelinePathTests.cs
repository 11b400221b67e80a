using Pitr.Format.Wal;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Tests.Archive;

public class TimelinePathTests
{
    static readonly WalSegmentSize Size = WalSample.Small;

    [Fact]
    public void A_timeline_without_history_holds_every_segment()
    {
        var path = new TimelinePath(new Timeline(1), null, Size);

        Assert.Equal("000000010000000000000007", path.Segment(7).ToString());
        Assert.Equal([new Timeline(1)], path.From(new Timeline(1)));
    }

    [Theory]
    [InlineData("0/4FFFFF", 3, "00000001")]
    [InlineData("0/4FFFFF", 4, "00000002")]
    [InlineData("0/400000", 3, "00000001")]
    [InlineData("0/400000", 4, "00000002")]
    [InlineData("0/500000", 4, "00000001")]
    [InlineData("0/500000", 5, "00000002")]
    public void The_segment_of_the_switch_is_read_from_the_newer_timeline(string switchPoint, ulong number, string timeline)
    {
        var path = Path(2, (1, switchPoint));

        Assert.StartsWith(timeline, path.Segment(number).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_switches_in_one_segment_skip_the_timeline_in_between()
    {
        var path = Path(3, (1, "0/410000"), (2, "0/480000"));

        Assert.Equal("000000010000000000000003", path.Segment(3).ToString());
        Assert.Equal("000000030000000000000004", path.Segment(4).ToString());
        Assert.Equal([new Timeline(2), new Timeline(3)], path.From(new Timeline(2)));
    }

    [Fact]
    public void An_unbroken_run_goes_on_over_a_switch()
    {
        var path = Path(3, (1, "0/410000"), (2, "0/680000"));
        var inventory = Inventory((1, 1, 4), (2, 4, 6), (3, 6, 9));

        Assert.Equal("000000030000000000000009", path.UnbrokenEnd(inventory, Segment(1, 2)).ToString());
        Assert.Null(path.FirstAfter(inventory, 9));
    }

    [Fact]
    public void A_run_ends_where_a_segment_of_its_path_is_missing_though_another_timeline_has_that_number()
    {
        // Timeline 2 begins in segment 4; timeline 1 went on, but its 4 to 6 belong to another branch.
        var path = Path(2, (1, "0/410000"));
        var inventory = Inventory((1, 1, 6), (2, 5, 8));

        Assert.Equal("000000010000000000000003", path.UnbrokenEnd(inventory, Segment(1, 2)).ToString());
        Assert.Equal("000000020000000000000005", path.FirstAfter(inventory, 3).ToString());
    }

    [Fact]
    public void A_gap_is_seen_within_a_timeline()
    {
        var path = Path(1);
        var inventory = Inventory((1, 1, 3), (1, 6, 9));

        Assert.Equal(Segment(1, 3), path.UnbrokenEnd(inventory, Segment(1, 1)));
        Assert.Equal(Segment(1, 6), path.FirstAfter(inventory, 3));
        Assert.Equal(Segment(1, 8), path.FirstAfter(inventory, 7));
        Assert.Null(path.UnbrokenEnd(inventory, Segment(1, 4)));
    }

    static TimelinePath Path(uint target, params (uint Parent, string Switch)[] entries) => new(
        new Timeline(target),
        entries.Length == 0 ? null : TimelineHistory.Parse(new Timeline(target), WalSample.History([.. entries.Select(e => (e.Parent, Lsn.Parse(e.Switch)))])),
        Size);

    static WalSegmentName Segment(uint timeline, ulong number) => WalSegmentName.FromNumber(new Timeline(timeline), number, Size);

    static WalInventory Inventory(params (uint Timeline, ulong First, ulong Last)[] spans) => new(Size, [.. spans
        .GroupBy(s => s.Timeline)
        .Select(g => new WalTimeline(
            new Timeline(g.Key),
            [.. g.Select(s => new WalSpan(Segment(g.Key, s.First), Segment(g.Key, s.Last), (long)(s.Last - s.First + 1), 0, Scenario.Start, Scenario.Start))],
            g.Key > 1))]);
}
