using Pitr.Operations.Configuration;
using Pitr.Operations.Retention;
using Pitr.Operations.Tests.Repositories;

namespace Pitr.Operations.Tests.Retention;

/// <summary>
/// A cluster after pg_upgrade is a service of its own (docs/operations.md). What its predecessor promised at its end, it promises for ever: no WAL and no backup comes any more, and the
/// host's clock alone makes nothing old.
/// </summary>
public class UpgradeRetentionTests
{
    static readonly RetentionSettings Settings = new(TimeSpan.FromDays(7), 7, 4, 6, 2, 2);

    /// <summary>A service that has ended, and what it had after the first expiry since.</summary>
    sealed record Ended(SimulatedHistory History, DateTimeOffset At)
    {
        public IReadOnlyDictionary<uint, DateTimeOffset?>? Recoverable { get; set; }

        public string[] Backups { get; set; } = [];

        public int Segments { get; set; }
    }

    [Theory]
    [InlineData(1, "UTC")]
    [InlineData(2, "Asia/Seoul")]
    [InlineData(3, "America/New_York")]
    public void A_service_that_was_upgraded_loses_nothing_as_years_go_by(int seed, string zone)
    {
        var settings = Settings with { TimeZone = TimeZoneInfo.FindSystemTimeZoneById(zone) };
        var random = new Random(seed);
        var clockRightAt = DateTimeOffset.MinValue;
        var current = new SimulatedHistory(random);
        var ended = new List<Ended>();
        for (var hour = 0; hour < 24 * 365 * 2; hour++)
        {
            current.Work(oldPrimaryWorks: false);
            ended.ForEach(e => e.History.Rest());
            current.ClockError = current.Now >= clockRightAt ? TimeSpan.Zero : current.ClockError;
            switch (random.Next(3000))
            {
                case 0:
                    current.Promote(toThePast: random.Next(2) == 0);
                    break;
                case 1 when current.ClockError == TimeSpan.Zero:
                    current.ClockError = TimeSpan.FromDays(random.Next(2) == 0 ? 400 : -30);
                    clockRightAt = current.Now.AddDays(random.Next(10));
                    break;
            }

            // At any moment: soon after a promotion or a backup, and while a clock is wrong. At least two in all.
            if (random.Next(24 * 120) == 0 || hour is 24 * 200 or 24 * 400)
            {
                ended.Add(new Ended(current, current.Now));
                current = current.Upgrade((ulong)(100 - ended.Count), goesOn: random.Next(2) == 0);
            }

            if (hour % 24 == 3)
            {
                current.TakeBackup(pinned: random.Next(100) == 0 ? "audit" : null);
            }

            if (hour % 24 == 5)
            {
                Expire(current, settings, current.Now + current.ClockError);
                ended.ForEach(e => RequireKept(e, settings, current.Now + current.ClockError, $"seed {seed}, hour {hour}"));
            }
        }

        Assert.InRange(ended.Count, 2, 30);
    }

    static void RequireKept(Ended ended, RetentionSettings settings, DateTimeOffset clock, string when)
    {
        var history = ended.History;
        var windowStart = ended.At - settings.Window;
        var before = history.RecoverableSince(windowStart);
        Expire(history, settings, clock);
        var recoverable = history.RecoverableSince(windowStart);
        foreach (var (timeline, since) in before)
        {
            var bound = since > windowStart ? since : windowStart;
            Assert.True(since is null || recoverable[timeline] <= bound, $"{when}: timeline {timeline} of the service that ended at {ended.At} could be recovered since {since}, now since {recoverable[timeline]}");
        }

        if (ended.Recoverable is null && clock >= history.Now)
        {
            (ended.Recoverable, ended.Backups, ended.Segments) = (recoverable, [.. history.Backups.Select(b => b.Id)], history.Wal.Count());
        }
        else if (ended.Recoverable is not null)
        {
            Assert.Equal(ended.Backups, history.Backups.Select(b => b.Id));
            Assert.Equal(ended.Segments, history.Wal.Count());
        }
    }

    static void Expire(SimulatedHistory history, RetentionSettings settings, DateTimeOffset clock)
    {
        var rules = new RetentionRules(settings, clock);
        history.Remove([.. rules.Judge(history.Backups, history.Traces).Backups.Where(v => v.Goes).Select(v => v.Backup.Id)]);
        if (NeededWal.Find(history.Backups, history.Traces, rules) is { } needed)
        {
            history.Remove(needed);
        }
    }

    [Fact]
    public void Neither_names_nor_timelines_nor_positions_make_the_successor_the_older_one()
    {
        // Many promotions, a far position and a high identifier before; timeline 1, the first segment and a low identifier behind.
        var random = new Random(4);
        var old = new SimulatedHistory(random, systemIdentifier: 900, first: 5000);
        for (var day = 0; day < 30; day++)
        {
            old.Work(oldPrimaryWorks: false);
            old.Promote(toThePast: false);
            old.TakeBackup();
        }

        var next = old.Upgrade(100, goesOn: false);
        for (var day = 0; day < 3; day++)
        {
            next.Work(oldPrimaryWorks: false);
            next.TakeBackup();
        }

        // Side by side under one name they can only be by somebody's hand; even then the order holds, and no WAL goes.
        var rules = new RetentionRules(Settings, next.Now);
        var after = next.Backups.Select((backup, i) => backup with { Id = PlantedBackups.Id(1000 + i).ToString() }).ToArray();
        var verdicts = rules.Judge([.. after, .. old.Backups], next.Traces);
        Assert.Equal([.. old.Backups.Select(b => b.SystemIdentifier), .. after.Select(b => b.SystemIdentifier)], verdicts.Backups.Select(v => v.Backup.Place.Cluster));
        Assert.All(verdicts.Backups.Where(v => v.Backup.Place.Cluster == "100" && v.Backup.IsSound).TakeLast(1), v => Assert.Contains("minimum", v.Why, StringComparison.Ordinal));
        Assert.Null(NeededWal.Find([.. after, .. old.Backups], next.Traces, rules));
    }
}
