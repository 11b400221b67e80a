using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Drill;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Postgres.Recovery;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Restore;

/// <summary>
/// What a refusal offers instead, which has to be possible, and what a plan says of timelines that it leaves aside. The archive is that of
/// <see cref="RestorePlannerTests"/>: segments 1 to 9, a commit in each (segment n: n minutes and 30 s), backups over segments 2 to 3 and 6 to 6.
/// </summary>
public class NearestMomentTests
{
    [Fact]
    public async Task A_position_in_a_gap_is_answered_with_the_last_before_it_and_the_first_after_it()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 5);

        var hint = (await RefusedAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/580000")))).Hint!;

        Assert.Contains("--target-lsn 0/400028", hint, StringComparison.Ordinal);
        Assert.Contains($"--target immediate --backup {Id(6)}", hint, StringComparison.Ordinal);
        await PlanAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/400028")));
        await PlanAsync(scenario, RecoveryTarget.Immediate, backup: Id(6));
    }

    [Fact]
    public async Task A_time_in_a_gap_is_answered_with_the_last_before_it_and_the_first_after_it()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 5);

        var hint = (await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(5)))).Hint!;

        Assert.Contains("--target-time '2026-11-21T03:04:29.999999Z'", hint, StringComparison.Ordinal);
        Assert.Contains($"the end of backup {Id(6)}, 2026-11-21T03:06:00.000000Z", hint, StringComparison.Ordinal);

        Remove(scenario, 8);
        Assert.Contains("no backup was taken after the gap", (await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(8)))).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_position_before_the_first_backup_is_answered_with_the_first_there_is()
    {
        await using var scenario = await StartAsync();

        Assert.Contains("--target-lsn 0/300138", (await RefusedAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/200000")))).Hint, StringComparison.Ordinal);

        await PlanAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/300138")));
    }

    [Fact]
    public async Task A_transaction_that_is_nowhere_is_answered_with_its_neighbours()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 8);
        Remove(scenario, 9);
        var name = Name(1, 8);
        await scenario.Push.PushAsync(scenario.Write(name, WalSample.Segment(name, 200, commits: Minute(8.5))), default);

        var between = (await RefusedAsync(scenario, RecoveryTarget.AtXid(1100))).Hint!;

        Assert.Contains("--target-xid 1007 (committed 2026-11-21T03:07:30.000000Z)", between, StringComparison.Ordinal);
        Assert.Contains("--target-xid 1200 ", between, StringComparison.Ordinal);
        Assert.Contains("none comes before it, the nearest after it is --target-xid 1002", (await RefusedAsync(scenario, RecoveryTarget.AtXid(777))).Hint, StringComparison.Ordinal);
        Assert.Contains("none comes after it", (await RefusedAsync(scenario, RecoveryTarget.AtXid(2000))).Hint, StringComparison.Ordinal);
        await PlanAsync(scenario, RecoveryTarget.AtXid(1200));
    }

    [Fact]
    public async Task A_restore_point_that_is_nowhere_is_answered_with_the_one_that_was_meant()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 9);
        var name = Name(1, 9);
        await scenario.Push.PushAsync(scenario.Write(name, WalSample.Segment(name, 9, restorePoint: "before_migration", commits: Minute(9.5))), default);

        Assert.Contains("did you mean \"before_migration\"?", (await RefusedAsync(scenario, RecoveryTarget.AtName("before_migratoin"))).Hint, StringComparison.Ordinal);
        Assert.Contains("restore points, newest first: before_migration", (await RefusedAsync(scenario, RecoveryTarget.AtName("x"))).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_another_timeline_reaches_is_answered_with_that_timeline()
    {
        await using var scenario = await StartAsync();
        await PromoteTwiceAsync(scenario);

        foreach (var (target, timeline) in new[] { (RecoveryTarget.AtXid(1009), "1"), (RecoveryTarget.AtLsn(Lsn.Parse("0/880000")), "1"), (RecoveryTarget.AtXid(1107), "2") })
        {
            var error = await RefusedAsync(scenario, target);
            Assert.Contains($"on timeline {timeline} it is possible: --target-timeline {timeline}", error.Hint, StringComparison.Ordinal);
            await PlanAsync(scenario, target, timeline: timeline);
        }

        Assert.DoesNotContain("it is possible: --target-timeline", (await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(500)))).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_at_which_an_abandoned_timeline_went_on_names_it()
    {
        await using var scenario = await StartAsync();
        await PromoteTwiceAsync(scenario);

        var first = Assert.Single((await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(8)))).Notes);
        Assert.StartsWith("timeline 1 has commits of its own at that time, from 2026-11-21T03:06:30.000000Z to 2026-11-21T03:09:30.000000Z", first, StringComparison.Ordinal);
        var second = Assert.Single((await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(107.5)))).Notes);
        Assert.Contains("--target-timeline 2 ", second, StringComparison.Ordinal);
        Assert.Empty((await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(4)))).Notes);
        Assert.Empty((await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(206)))).Notes);
        // Down the abandoned one there is nothing else at that time.
        Assert.Empty((await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(8)), timeline: "1")).Notes);
        var on = await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(107)), timeline: "2");
        Assert.Equal([new Timeline(1), new Timeline(2)], on.Timelines);
        Assert.Equal(Name(2, 7), on.LastWal.ToString());
    }

    [Fact]
    public async Task How_long_it_takes_follows_from_drills_and_is_unknown_without()
    {
        await using var scenario = await StartAsync();
        var plan = await PlanAsync(scenario, RecoveryTarget.Latest);
        Assert.Null(await RestoreEstimate.FindAsync(scenario.Service, plan, default));

        foreach (var (minute, seconds) in new[] { (1, 10.0), (2, 20.0), (3, 600.0) })
        {
            await PutDrillAsync(scenario, minute, plan.RestoredBytes * 2, seconds, plan.WalSegments * 4);
        }

        // Has failed before it was replayed.
        await PutDrillAsync(scenario, 4, plan.RestoredBytes, null, plan.WalSegments);
        File.WriteAllText(scenario.PathOf(RepositoryLayout.DrillReport(scenario.Service.Name, Id(5))), "{");
        var estimate = (await RestoreEstimate.FindAsync(scenario.Service, plan, default))!;

        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(2)), (estimate.Fetch, estimate.Replay));
        Assert.Equal([Id(3), Id(2), Id(1)], estimate.Drills);
    }

    static Task PutDrillAsync(Scenario scenario, int minute, long bytes, double? fetch, long segments) => scenario.Store.PutAsync(
        RepositoryLayout.DrillReport(scenario.Service.Name, Id(minute)),
        new DrillReport
        {
            Id = Id(minute),
            Service = "main",
            Host = "h",
            Requested = Minute(minute),
            Target = "latest",
            Verdict = fetch is null ? "failed" : "passed",
            Failures = [],
            RtoObjectiveSeconds = 1,
            RpoObjectiveSeconds = 1,
            RestoredBytes = bytes,
            WalSegments = segments,
            Phases = fetch is null ? [new DrillPhase("fetch", 1)] : [new DrillPhase("fetch", fetch.Value), new DrillPhase("replay", 8)],
            Checks = [],
        }.ToJson(),
        PutMode.CreateNew,
        default);

    static async Task<Scenario> StartAsync()
    {
        var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 9, number => [Minute((double)number + 0.5)]);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        await scenario.PutBackupAsync(Minute(6), 6, 6, stopTime: Minute(6));
        return scenario;
    }

    // Timeline 2 begins in segment 5, a hundred minutes later; timeline 3 in segment 6 of timeline 2, another hundred later. Their transactions have ids of their own.
    static async Task PromoteTwiceAsync(Scenario scenario)
    {
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, Lsn.Parse("0/580000"))));
        await scenario.PushTextAsync("00000003.history", WalSample.History((1, Lsn.Parse("0/580000")), (2, Lsn.Parse("0/680000"))));
        foreach (var (timeline, first, last) in new[] { (2u, 5, 7), (3u, 6, 7) })
        {
            for (var number = first; number <= last; number++)
            {
                var name = Name(timeline, (ulong)number);
                var commit = Minute(number + (100.0 * (timeline - 1)) + 0.5);
                await scenario.Push.PushAsync(scenario.Write(name, WalSample.Segment(name, (int)(100 * (timeline - 1)) + number, commits: commit)), default);
            }
        }
    }

    static void Remove(Scenario scenario, ulong number) => File.Delete(scenario.PathOf(scenario.KeyOf(Name(1, number))));

    static Task<RestorePlan> PlanAsync(Scenario scenario, RecoveryTarget target, string timeline = "latest", string? backup = null) =>
        new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(target, timeline, backup is null ? null : BackupId.Parse(backup)), default);

    static Task<ImpossiblePlanException> RefusedAsync(Scenario scenario, RecoveryTarget target) => Assert.ThrowsAsync<ImpossiblePlanException>(() => PlanAsync(scenario, target));

    static DateTimeOffset Minute(double minute) => Scenario.Start.AddMinutes(minute);

    static string Id(int minute) => new BackupId(Minute(minute)).ToString();

    static string Name(uint timeline, ulong number) => WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();
}
