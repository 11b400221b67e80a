using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Wal;

namespace Pitr.Format.Tests.Wal;

public class TimelineHistoryTests
{
    const string Three = "1\t0/5000A28\tno recovery target specified\n\n2\t0/70001C0\tbefore 2026-11-21 03:15:00+00\n";

    [Fact]
    public void A_history_as_PostgreSQL_writes_it()
    {
        var history = TimelineHistory.Parse(new Timeline(3), Three);
        Assert.Equal(
            [
                new TimelineHistoryEntry(new Timeline(1), Lsn.Parse("0/5000A28"), "no recovery target specified"),
                new TimelineHistoryEntry(new Timeline(2), Lsn.Parse("0/70001C0"), "before 2026-11-21 03:15:00+00"),
            ],
            history.Entries);
        Assert.Equal(Three, history.ToString());
        Assert.Equal(Three, TimelineHistory.Create(history.Timeline, history.Entries).ToString());
    }

    [Theory]
    [InlineData("0/0", 1)]
    [InlineData("0/5000A27", 1)]
    [InlineData("0/5000A28", 2)]
    [InlineData("0/70001BF", 2)]
    [InlineData("0/70001C0", 3)]
    [InlineData("FF/0", 3)]
    public void A_position_lies_on_the_timeline_that_was_current(string lsn, int timeline) =>
        Assert.Equal(new Timeline((uint)timeline), TimelineHistory.Parse(new Timeline(3), Three).TimelineAt(Lsn.Parse(lsn)));

    [Theory]
    [InlineData(1, "0/5000A28", true)]
    [InlineData(1, "0/5000A29", false)]
    [InlineData(2, "0/6000000", true)]
    [InlineData(2, "0/70001C1", false)]
    [InlineData(3, "FF/0", true)]
    [InlineData(4, "0/0", false)]
    public void A_backup_can_follow_a_timeline_if_it_ended_before_the_switch(int timeline, string at, bool expected) =>
        Assert.Equal(expected, TimelineHistory.Parse(new Timeline(3), Three).IsAncestor(new Timeline((uint)timeline), Lsn.Parse(at)));

    [Theory]
    [InlineData("x\t0/5000A28\treason", 1)]
    [InlineData("1", 1)]
    [InlineData("1\tnowhere\treason", 1)]
    [InlineData("0\t0/1\treason", 1)]
    [InlineData("3\t0/1\treason", 1)]
    [InlineData("# comment\n\n2\t0/5\tr\n1\t0/6\tr\n", 4)]
    [InlineData("1\t0/5\tr\n1\t0/6\tr\n", 2)]
    public void A_malformed_history_is_refused_with_its_line(string text, int line) =>
        Assert.Contains($"line {line}:", Assert.Throws<FormatException>(() => TimelineHistory.Parse(new Timeline(3), text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_timeline_that_was_followed_and_never_reached_is_no_ancestor()
    {
        // What PostgreSQL 15 writes when recovery follows timeline 3 and stops before it begins.
        const string text = "1\t0/14EF7C8\tbefore 2026-11-22 05:37:06+00\n\n3\t0/1425F10\tbefore 2026-11-22 05:37:05+00\n";
        var history = TimelineHistory.Parse(new Timeline(4), text);
        Assert.Equal([(1u, "0/1425F10")], history.Entries.Select(e => (e.Parent.Value, e.SwitchPoint.ToString())));
        Assert.False(history.IsAncestor(new Timeline(3), Lsn.Parse("0/1000000")));
        Assert.Equal(text, history.ToString());
    }

    [Fact]
    public void Every_position_lies_where_PostgreSQL_finds_it() => Gens.Holds(
        Gens.UInt32.Select(value => (value % 9) + 1).ListOf(),
        switches =>
        {
            var written = switches.Select((lsn, i) => new TimelineHistoryEntry(new Timeline((uint)i + 1), new Lsn(lsn), "r")).ToArray();
            var own = new Timeline((uint)written.Length + 1);
            var history = TimelineHistory.Create(own, written);
            return Enumerable.Range(0, 12).All(at => history.TimelineAt(new Lsn((ulong)at)) == Find(written, own, (ulong)at))
                && history.Entries.Zip(history.Entries.Skip(1)).All(pair => pair.First.SwitchPoint <= pair.Second.SwitchPoint);
        },
        runs: 2000);

    // tliOfPointInHistory() of PostgreSQL 15: the list begins with the newest, each begins where the line before it ends.
    static Timeline Find(TimelineHistoryEntry[] written, Timeline own, ulong at)
    {
        for (var i = written.Length; i > 0; i--)
        {
            var end = i == written.Length ? ulong.MaxValue : written[i].SwitchPoint.Value;
            if (written[i - 1].SwitchPoint.Value <= at && at < end)
            {
                return i == written.Length ? own : written[i].Parent;
            }
        }

        return written.Length == 0 ? own : written[0].Parent;
    }

    [Fact]
    public void Comments_blank_lines_and_missing_reasons_are_allowed()
    {
        var history = TimelineHistory.Parse(new Timeline(2), "# by hand\n\n   \n  1   0/5000A28\n");
        Assert.Equal("", Assert.Single(history.Entries).Reason);
        Assert.Empty(TimelineHistory.WithoutAncestors(new Timeline(1)).Entries);
    }

    [Fact]
    public void Arbitrary_text_gives_a_history_or_a_format_error() =>
        Gens.Holds(Gens.Text("1", "2", "3", "\t", " ", "0/5", "FF/A", "\n", "\r", "#", "reason", "\0", "-", "4294967296"), text =>
        {
            try
            {
                var history = TimelineHistory.Parse(new Timeline(7), text);
                Assert.Equal(history.Entries, TimelineHistory.Parse(new Timeline(7), TimelineHistory.Create(new Timeline(7), history.Entries).ToString()).Entries);
            }
            catch (FormatException e)
            {
                Assert.Contains("line ", e.Message, StringComparison.Ordinal);
            }
        }, runs: 5000);

    [Fact]
    public void Written_histories_are_read_back() =>
        Gens.Holds(
            from step in Gens.UInt32.ListOf()
            select step.Select((value, i) => new TimelineHistoryEntry(
                new Timeline((uint)i + 1), new Lsn(((ulong)i << 33) + value), $"reason {value}")).ToList(),
            entries => TimelineHistory.Parse(new Timeline(1_000_000), TimelineHistory.Create(new Timeline(1_000_000), entries).ToString())
                .Entries.SequenceEqual(entries));
}
