using System.Globalization;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Retention;

namespace Pitr.Operations.Tests.Retention;

/// <summary>The rules over simulated years, with everything that clocks, people and promotions do.</summary>
public sealed class RetentionRulesTests
{
    static readonly RetentionSettings Settings = new(TimeSpan.FromDays(7), 7, 4, 6, 2, 2);

    [Theory]
    [InlineData(1, "UTC")]
    [InlineData(2, "Asia/Seoul")]
    [InlineData(3, "America/New_York")]
    [InlineData(4, "Pacific/Apia")]
    [InlineData(5, "Australia/Lord_Howe")]
    [InlineData(6, "UTC")]
    public void No_moment_of_the_window_is_ever_lost(int seed, string zone)
    {
        var settings = Settings with { TimeZone = TimeZoneInfo.FindSystemTimeZoneById(zone) };
        var random = new Random(seed);
        var history = new SimulatedHistory(random);
        var oldPrimaryUntil = DateTimeOffset.MinValue;
        var clockRightAt = DateTimeOffset.MinValue;
        var quietUntil = DateTimeOffset.MinValue;
        for (var hour = 0; hour < 24 * 365 * 2; hour++)
        {
            history.Work(history.Now < oldPrimaryUntil);
            history.ClockError = history.Now >= clockRightAt ? TimeSpan.Zero : history.ClockError;
            switch (random.Next(2000))
            {
                case 0:
                    history.Promote(toThePast: random.Next(2) == 0);
                    oldPrimaryUntil = history.Now.AddDays(random.Next(20));
                    break;
                case 1 when history.ClockError == TimeSpan.Zero:
                    history.ClockError = TimeSpan.FromDays(random.Next(2) == 0 ? 400 : -30);
                    clockRightAt = history.Now.AddDays(random.Next(10));
                    break;
                case 2:
                    quietUntil = history.Now.AddDays(random.Next(60));
                    break;
            }

            if (hour % 24 == 3 && history.Now >= quietUntil && random.Next(10) > 0)
            {
                history.TakeBackup(pinned: random.Next(100) == 0 ? "audit" : null);
            }

            if (hour % 24 == 5)
            {
                Expire(history, settings, $"seed {seed}, hour {hour}");
            }
        }

        Assert.InRange(history.Backups.Count, 10, 400);
    }

    static void Expire(SimulatedHistory history, RetentionSettings settings, string when)
    {
        var windowStart = history.Now - settings.Window;
        var rules = new RetentionRules(settings, history.Now + history.ClockError);
        var before = history.RecoverableSince(windowStart);
        var backups = history.Backups;

        var verdicts = rules.Judge(backups, history.Traces);
        history.Remove([.. verdicts.Backups.Where(v => v.Goes).Select(v => v.Backup.Id)]);
        if (NeededWal.Find(history.Backups, history.Traces, rules) is { } needed)
        {
            history.Remove(needed);
        }

        var after = history.RecoverableSince(windowStart);
        foreach (var (timeline, since) in before)
        {
            var bound = since > windowStart ? since : windowStart;
            Assert.True(since is null || after[timeline] <= bound, $"{when}: timeline {timeline} could be recovered since {since}, now since {after[timeline]}; the window begins at {windowStart}");
        }

        Assert.True(history.Backups.Count >= Math.Min(settings.Minimum, backups.Count), $"{when}: {history.Backups.Count} of {backups.Count} backups are left");
        Assert.Equal(backups.Where(b => b.Pinned is not null), history.Backups.Where(b => b.Pinned is not null));
        foreach (var backup in history.Backups)
        {
            var stored = history.Wal.Select(file => file.Segment).ToHashSet();
            for (var segment = WalSegmentName.Parse(backup.StartWal); segment <= WalSegmentName.Parse(backup.StopWal); segment = segment.Next(SimulatedHistory.Size))
            {
                Assert.True(stored.Contains(segment), $"{when}: backup {backup.Id} lacks {segment}");
            }
        }
    }

    [Fact]
    public void What_nothing_is_recovered_with_goes()
    {
        var history = new SimulatedHistory(new Random(7));
        for (var hour = 0; hour < 24 * 365; hour++)
        {
            history.Work(oldPrimaryWorks: false);
            if (hour % 24 == 3)
            {
                history.TakeBackup();
            }

            if (hour % 24 == 5)
            {
                Expire(history, Settings, $"hour {hour}");
                Assert.DoesNotContain(new RetentionRules(Settings, history.Now).Judge(history.Backups, history.Traces).Backups, v => v.Goes);
            }
        }

        // Seven days of the window and the day in which it begins, each of 25 segments; and the segment of each older backup.
        var old = history.Backups.Count(b => b.StopTime < history.Now.AddDays(-8));
        Assert.InRange(old, 5, 16);
        Assert.InRange(history.Wal.Count(), (7 * 25) + old, (9 * 25) + old);
    }

    [Fact]
    public void The_newest_of_each_day_week_month_and_year_stays()
    {
        var history = new SimulatedHistory(new Random(8));
        for (var hour = 0; hour < 24 * 800; hour++)
        {
            history.Work(oldPrimaryWorks: false);
            if (hour % 12 == 3)
            {
                history.TakeBackup();
            }
        }

        var settings = Settings with { Window = TimeSpan.FromDays(2), Minimum = 1 };
        var kept = new RetentionRules(settings, history.Now).Judge(history.Backups, history.Traces).Backups.Where(v => !v.Goes).Select(v => v.Backup).ToArray();
        Assert.All(LastOfEach(b => $"{b:yyyy-MM-dd}", 7), id => Assert.Contains(kept, b => b.Id == id));
        Assert.All(LastOfEach(b => $"{ISOWeek.GetYear(b.DateTime)} {ISOWeek.GetWeekOfYear(b.DateTime):D2}", 4), id => Assert.Contains(kept, b => b.Id == id));
        Assert.All(LastOfEach(b => $"{b:yyyy-MM}", 6), id => Assert.Contains(kept, b => b.Id == id));
        Assert.All(LastOfEach(b => $"{b:yyyy}", 2), id => Assert.Contains(kept, b => b.Id == id));
        Assert.InRange(kept.Length, 12, 20);

        IEnumerable<string> LastOfEach(Func<DateTimeOffset, string> bucket, int count) => history.Backups
            .Where(b => b.DamagedPages == 0)
            .GroupBy(b => bucket(b.StopTime.ToUniversalTime()))
            .TakeLast(count)
            .Select(days => days.Last().Id);
    }

    [Fact]
    public void A_clock_that_is_a_year_ahead_empties_no_window()
    {
        var history = new SimulatedHistory(new Random(9));
        for (var hour = 0; hour < 24 * 30; hour++)
        {
            history.Work(oldPrimaryWorks: false);
            if (hour % 24 == 3)
            {
                history.TakeBackup();
            }
        }

        var verdicts = new RetentionRules(Settings, history.Now.AddYears(1)).Judge(history.Backups, history.Traces);
        Assert.Equal(history.Now - Settings.Window, verdicts.WindowStart);
    }

    [Fact]
    public void A_server_on_which_nothing_happens_keeps_its_state_beside_a_later_timeline()
    {
        var history = new SimulatedHistory(new Random(11));
        for (var hour = 0; hour < 24 * 30; hour++)
        {
            history.Work(oldPrimaryWorks: false);
            if (hour % 24 == 3)
            {
                history.TakeBackup();
            }
        }

        // Somebody tries a recovery and archives from it, for days; the real server stands still.
        history.Promote(toThePast: true);
        for (var hour = 0; hour < 24 * 20; hour++)
        {
            history.Work(oldPrimaryWorks: false);
        }

        var first = history.RecoverableSince(DateTimeOffset.MinValue)[1];
        Assert.NotNull(first);
        Expire(history, Settings, "standing still");
        Assert.NotNull(history.RecoverableSince(DateTimeOffset.MinValue)[1]);
        var newest = history.Wal.Where(file => file.Segment.Timeline == new Timeline(1)).Max(file => file.Stored);
        Assert.Equal(Scenario.Start.AddDays(30), newest);
    }

    [Fact]
    public void A_pin_ends_when_it_was_said_to()
    {
        var history = new SimulatedHistory(new Random(10));
        history.TakeBackup(pinned: "audit");
        for (var day = 0; day < 200; day++)
        {
            history.Work(oldPrimaryWorks: false);
            history.TakeBackup();
        }

        var rules = new RetentionRules(new RetentionSettings(TimeSpan.FromHours(2), 1, 0, 0, 0, 1), history.Now);
        Assert.False(Verdict(history.Now.AddDays(1)).Goes);
        Assert.Contains("audit, until", Verdict(history.Now.AddDays(1)).Why, StringComparison.Ordinal);
        Assert.True(Verdict(history.Now.AddSeconds(-1)).Goes);

        BackupVerdict Verdict(DateTimeOffset until) =>
            rules.Judge([history.Backups[0] with { PinnedUntil = until }, .. history.Backups.Skip(1)], history.Traces).Backups[0];
    }
}
