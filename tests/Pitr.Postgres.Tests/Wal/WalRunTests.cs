using Pitr.Format.Wal;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Catalogs;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>Records that lie in two segments: seen once, whatever part of them lies where.</summary>
public class WalRunTests
{
    static readonly DateTimeOffset Time = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    public static TheoryData<int> Lefts => [.. Enumerable.Range(1, 14).Select(n => n * 8)];

    [Theory]
    [MemberData(nameof(Lefts))]
    public void A_record_over_two_segments_belongs_to_the_one_it_ends_in(int left)
    {
        var wal = new WalStream();
        wal.Commit(100, Time);
        wal.FillUntil(left);
        var spanning = wal.Commit(101, Time.AddSeconds(1), subtransactions: 20);
        wal.Commit(102, Time.AddSeconds(2));
        wal.Switch();

        var found = Scan(wal, out var damages);

        Assert.Equal([(1UL, 100u), (2UL, 101u), (2UL, 102u)], found.Select(f => (f.Segment, ((WalTransactionEnd)f.Event).Transaction)));
        Assert.Equal(spanning, found[1].Event.Position);
        Assert.All(damages, Assert.Null);
    }

    [Theory]
    [MemberData(nameof(Lefts))]
    public void Its_time_counts_for_that_segment_if_the_one_before_is_still_in_pg_wal(int left)
    {
        using var directory = new TestDirectory();
        var wal = new WalStream();
        wal.Commit(100, Time);
        wal.FillUntil(left);
        wal.Commit(101, Time.AddSeconds(1), subtransactions: 20);
        wal.Switch();
        var segments = wal.Segments().ToArray();
        foreach (var (name, content) in segments)
        {
            File.WriteAllBytes(directory.Sub(name.ToString()), content);
        }

        var second = WalSegmentHeader.Parse(segments[1].Content);
        var path = directory.Sub(segments[1].Name.ToString());
        var before = WalSegmentTail.ReadBefore(path, segments[1].Content, second);

        var at = WalStream.Microseconds(Time.AddSeconds(1));
        Assert.Equal(new WalCommitTimes(at, at), WalCommitScanner.Scan(segments[1].Content, second, before));
        Assert.Equal(WalStream.Microseconds(Time), WalCommitScanner.Scan(segments[0].Content, WalSegmentHeader.Parse(segments[0].Content)).Last);

        // Without the file, or with another in its place, it counts nowhere.
        Assert.True(WalCommitScanner.Scan(segments[1].Content, second).IsNone);
        File.WriteAllBytes(directory.Sub(segments[0].Name.ToString()), segments[1].Content);
        Assert.Null(WalSegmentTail.ReadBefore(path, segments[1].Content, second));
        File.WriteAllBytes(directory.Sub(segments[0].Name.ToString()), segments[0].Content[..^1]);
        Assert.Null(WalSegmentTail.ReadBefore(path, segments[1].Content, second));
        File.Delete(directory.Sub(segments[0].Name.ToString()));
        Assert.Null(WalSegmentTail.ReadBefore(path, segments[1].Content, second));
    }

    [Fact]
    public void The_tail_is_found_however_long_it_is()
    {
        using var directory = new TestDirectory();
        foreach (var subtransactions in (int[])[3000, 20_000, 60_000, 130_000])
        {
            // Up to half a segment of the record lies before the border.
            var wanted = subtransactions * 4 / 2;
            var wal = new WalStream();
            while ((1 << 20) - (int)(wal.Position.Value % (1 << 20)) > wanted + 1500)
            {
                wal.Other(1000);
            }

            wal.Commit(101, Time, subtransactions);
            wal.Switch();
            var segments = wal.Segments().ToArray();
            File.WriteAllBytes(directory.Sub(segments[0].Name.ToString()), segments[0].Content);
            var header = WalSegmentHeader.Parse(segments[1].Content);
            var before = WalSegmentTail.ReadBefore(directory.Sub(segments[1].Name.ToString()), segments[1].Content, header);

            Assert.Equal(WalStream.Microseconds(Time), WalCommitScanner.Scan(segments[1].Content, header, before).First);
        }
    }

    [Fact]
    public void A_record_over_more_than_two_segments_belongs_to_the_last()
    {
        var wal = new WalStream();
        wal.FillUntil(800);
        wal.Commit(101, Time, subtransactions: 700_000);
        wal.Commit(102, Time);
        wal.Switch();

        var found = Scan(wal, out var damages);

        Assert.Equal([(4UL, 101u), (4UL, 102u)], found.Select(f => (f.Segment, ((WalTransactionEnd)f.Event).Transaction)));
        Assert.All(damages, Assert.Null);
    }

    [Fact]
    public void A_restore_point_over_two_segments_is_found()
    {
        var wal = new WalStream();
        wal.FillUntil(40);
        var position = wal.RestorePoint("vor der Größe", Time);
        wal.Switch();

        var point = Assert.IsType<WalRestorePoint>(Assert.Single(Scan(wal, out _)).Event);

        Assert.Equal((position, "vor der Größe", WalStream.Microseconds(Time)), (point.Position, point.Name, point.Time));
    }

    [Fact]
    public void After_a_gap_nothing_is_put_together()
    {
        var wal = new WalStream();
        wal.FillUntil(40);
        wal.Commit(101, Time, subtransactions: 300_000);
        wal.Commit(102, Time);
        wal.Switch();
        var run = new WalEventRun(WalEventKinds.All);
        var segments = wal.Segments().Select(s => Events(s.Content)).ToArray();

        run.Add(segments[0], out _);
        var found = run.Add(segments[2], out var damage);

        Assert.Equal(102u, Assert.IsType<WalTransactionEnd>(Assert.Single(found)).Transaction);
        Assert.Null(damage);
    }

    [Fact]
    public void Neighbours_that_do_not_belong_together_are_damage()
    {
        // The same place in the WAL, written twice: the record that begins at the end is another one, or none.
        var one = Written(left: 40, subtransactions: 20);
        var two = Written(left: 40, subtransactions: 40);
        var three = Written(left: 80, subtransactions: 20);
        var none = new WalStream();
        none.FillUntil(1000);
        none.Switch();
        none.Commit(1, Time);
        none.Switch();

        foreach (var (first, second) in new[] { (one, two), (one, three), (three, one), (one, none), (none, one) })
        {
            var run = new WalEventRun(WalEventKinds.All);
            run.Add(Events(first.Segments().First().Content), out var damage);
            Assert.Null(damage);
            var found = run.Add(Events(second.Segments().ElementAt(1).Content), out damage);
            Assert.NotNull(damage);
            Assert.DoesNotContain(found, f => f is WalTransactionEnd { Transaction: 101 });
        }

        static WalStream Written(int left, int subtransactions)
        {
            var wal = new WalStream();
            wal.FillUntil(left);
            wal.Commit(101, Time, subtransactions);
            wal.Commit(102, Time);
            wal.Switch();
            return wal;
        }
    }

    static List<(ulong Segment, WalEvent Event)> Scan(WalStream wal, out List<WalDamage?> damages)
    {
        var run = new WalEventRun(WalEventKinds.All);
        var found = new List<(ulong, WalEvent)>();
        damages = [];
        foreach (var (name, content) in wal.Segments())
        {
            found.AddRange(run.Add(Events(content), out var damage).Select(e => (name.Number(wal.SegmentSize), e)));
            damages.Add(damage);
        }

        return found;
    }

    static WalSegmentEvents Events(byte[] content) =>
        WalSegmentEvents.Scan(content, WalSegmentHeader.Parse(content), WalEventKinds.All, new CatalogFiles(), verify: true);
}
