using Pitr.Format.Wal;
using Pitr.Operations.Archive.Status;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Tests.Archive.Status;

public class PgWalRunwayTests
{
    const long MiB = 1 << 20;
    const long Segment = 16 * MiB;

    static readonly DateTimeOffset Now = Scenario.Start;

    /// <summary>A sample some seconds after the first: segments written, the first that waits, how many wait and since how many seconds.</summary>
    static PgWalSample Sample(double seconds, double written, ulong? oldest = null, int ready = 0, double waits = 0, long free = 1000 * Segment, int prepared = 0, ReplicationSlot? slot = null)
    {
        var at = Now.AddSeconds(seconds);
        var position = new Lsn((ulong)(written * Segment));
        var content = new PgWalContent(
            at, 0, 0, prepared, new Timeline(1), position, ready, oldest is { } number ? DataDirectorySample.Segment(number) : null, oldest is null ? null : at.AddSeconds(-waits), free, free * 2);
        return new PgWalSample(at, position, content, slot is null ? [] : [slot]);
    }

    static PgWalRunway Measure(PgWalSample first, PgWalSample last) => PgWalRunway.Measure(first, last, WalSegmentSize.Default);

    [Fact]
    public void Nothing_grows_while_nothing_waits_however_much_is_written()
    {
        var runway = Measure(Sample(0, 100), Sample(10, 110));

        Assert.Equal((Segment, 0, null, null), (runway.WalRate, runway.GrowthRate, runway.HeldBy, runway.TimeLeft));
        Assert.Equal(TimeSpan.FromSeconds(1000), runway.HoldsFor);
    }

    [Fact]
    public void An_archiver_that_stands_still_makes_it_grow_by_what_is_written()
    {
        var runway = Measure(Sample(0, 100, oldest: 95, ready: 5, waits: 300), Sample(10, 110, oldest: 95, ready: 15, waits: 310, free: 500 * Segment, prepared: 20));

        Assert.Equal((Segment, "archiver", 520 * Segment), (runway.GrowthRate, runway.HeldBy, runway.Room));
        Assert.Equal(TimeSpan.FromSeconds(520), runway.TimeLeft);
    }

    [Fact]
    public void A_quiet_moment_does_not_hide_what_the_backlog_tells()
    {
        // 100 segments in 1000 s, and nothing in the last 5.
        var runway = Measure(Sample(0, 101, oldest: 0, ready: 100, waits: 995), Sample(5, 101, oldest: 0, ready: 100, waits: 1000));

        Assert.Equal(0, runway.WalRate);
        Assert.Equal(0.1 * Segment, runway.GrowthRate, 1);
        Assert.Equal(10_000, runway.TimeLeft!.Value.TotalSeconds, 1);
        var alone = Sample(5, 101, oldest: 0, ready: 100, waits: 1000);
        Assert.Equal((null, runway.TimeLeft), (Measure(alone, alone).WalRate, Measure(alone, alone).TimeLeft));
    }

    [Fact]
    public void A_segment_that_was_just_completed_is_no_growth() =>
        Assert.Equal(0, Measure(Sample(0, 100.5), Sample(5, 101.5, oldest: 100, ready: 1, waits: 2)).GrowthRate);

    [Fact]
    public void An_archiver_that_works_but_is_slower_makes_it_grow_by_the_difference()
    {
        // 20 segments written, 5 archived, in 10 s.
        var slower = Measure(Sample(0, 100, oldest: 90, ready: 10, waits: 20), Sample(10, 120, oldest: 95, ready: 25, waits: 22));
        Assert.Equal(1.5 * Segment, slower.GrowthRate, 1);

        var faster = Measure(Sample(0, 100, oldest: 90, ready: 10, waits: 20), Sample(10, 105, oldest: 99, ready: 6, waits: 3));
        Assert.Equal((0, null), (faster.GrowthRate, faster.TimeLeft));
    }

    [Fact]
    public void A_slot_that_does_not_move_makes_it_grow_once_it_keeps_more_than_is_kept_anyway()
    {
        static ReplicationSlot Slot(string state, long? safe = null) => new("gone", "physical", false, new Lsn(50 * (ulong)Segment), state, safe);

        Assert.Equal(0, Measure(Sample(0, 100, slot: Slot("reserved")), Sample(10, 110, slot: Slot("reserved"))).GrowthRate);
        var grows = Measure(Sample(0, 100, slot: Slot("extended")), Sample(10, 110, slot: Slot("extended")));
        Assert.Equal((Segment, "slot gone"), (grows.GrowthRate, grows.HeldBy));
        Assert.Equal(TimeSpan.FromSeconds(1000), grows.TimeLeft);
        // Given up before the disk is full.
        Assert.Null(Measure(Sample(0, 100, slot: Slot("extended", 10 * Segment)), Sample(10, 110, slot: Slot("extended", 10 * Segment))).TimeLeft);
        Assert.Equal(0, Measure(Sample(0, 100, slot: Slot("lost")), Sample(10, 110, slot: Slot("lost"))).GrowthRate);
    }

    [Fact]
    public void A_slot_that_follows_does_not_make_it_grow()
    {
        static ReplicationSlot Slot(ulong at) => new("standby", "physical", true, new Lsn(at * (ulong)Segment), "extended", null);

        Assert.Equal(0, Measure(Sample(0, 100, slot: Slot(20)), Sample(10, 110, slot: Slot(30))).GrowthRate);
    }

    [Fact]
    public void A_disk_that_lasts_for_ever_has_no_time_left() =>
        Assert.Null(Measure(Sample(0, 100, oldest: 90, ready: 1, waits: 1e9, free: long.MaxValue / 4), Sample(1, 100, oldest: 90, ready: 1, waits: 1e9, free: long.MaxValue / 4)).TimeLeft);
}
