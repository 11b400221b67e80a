using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Restore;

/// <summary>
/// The archive of most tests: segments 1 to 9 of 1 MiB, one commit in the middle of each minute (segment n: n minutes and 30 s after the
/// start); backups over segments 2 to 3 (consistent after 3 minutes) and 6 to 6 (after 6).
/// </summary>
public class RestorePlannerTests
{
    [Fact]
    public async Task Latest_starts_from_the_newest_backup_and_replays_all_there_is()
    {
        await using var scenario = await StartAsync();

        var plan = await PlanAsync(scenario, RecoveryTarget.Latest);

        Assert.Equal((Id(6), Name(1, 6), Name(1, 9), 4), (plan.Backup.Id, plan.FirstWal.ToString(), plan.LastWal.ToString(), plan.WalSegments));
        Assert.Equal(Minute(9.5), plan.LastCommit);
        Assert.Equal([new Timeline(1)], plan.Timelines);
    }

    [Fact]
    public async Task Immediate_needs_the_backups_own_wal_only()
    {
        await using var scenario = await StartAsync();

        var plan = await PlanAsync(scenario, RecoveryTarget.Immediate, backup: 2);

        Assert.Equal((Id(2), Name(1, 2), Name(1, 3), 2), (plan.Backup.Id, plan.FirstWal.ToString(), plan.LastWal.ToString(), plan.WalSegments));
        Assert.Equal("named on the command line", plan.BackupReason);
    }

    [Theory]
    [InlineData(3, 2, 3)] // exactly the end of the first backup
    [InlineData(5, 2, 5)]
    [InlineData(5.5, 2, 6)] // a commit at this very moment is before the target: PostgreSQL stops at the next one
    [InlineData(5.999, 2, 6)]
    [InlineData(6, 6, 6)]
    [InlineData(9.499, 6, 9)]
    public async Task A_time_takes_the_newest_backup_before_it_and_wal_up_to_the_first_commit_after_it(double minute, int backup, ulong lastWal)
    {
        await using var scenario = await StartAsync();

        var plan = await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(minute)));

        Assert.Equal((Id(backup), Name(1, lastWal)), (plan.Backup.Id, plan.LastWal.ToString()));
    }

    [Fact]
    public async Task A_time_before_the_first_backups_end_is_refused_with_the_earliest_moment()
    {
        await using var scenario = await StartAsync();

        var error = await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(3).AddMicroseconds(-1)));

        Assert.Contains("2026-11-21T03:03:00.000000Z", error.Hint, StringComparison.Ordinal);
        await PlanAsync(scenario, RecoveryTarget.ParseTime("2026-11-21T03:03:00.000000Z"));
    }

    [Theory]
    [InlineData(9.5)]
    [InlineData(20)]
    public async Task A_time_after_the_last_commit_is_refused_with_a_way_that_works(double minute)
    {
        await using var scenario = await StartAsync();

        var error = await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(minute)));

        Assert.Contains("2026-11-21T03:09:30.000000Z", error.Message, StringComparison.Ordinal);
        Assert.Contains("--target latest", error.Hint, StringComparison.Ordinal);
        await PlanAsync(scenario, RecoveryTarget.Latest);
    }

    [Fact]
    public async Task The_moment_of_the_last_commit_is_possible_when_it_is_to_be_left_out()
    {
        await using var scenario = await StartAsync();

        Assert.Equal(Name(1, 9), (await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(9.5), inclusive: false))).LastWal.ToString());
        await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(9.5).AddMicroseconds(1), inclusive: false));
    }

    [Theory]
    [InlineData("0/300138", 4)] // the end of the backup; PostgreSQL stops at the first record that begins at or after it
    [InlineData("0/3FFFFF", 4)]
    [InlineData("0/400000", 4)]
    [InlineData("0/400028", 4)]
    [InlineData("0/400029", 5)]
    [InlineData("0/5FFFFF", 6)]
    public async Task A_position_needs_the_segment_with_the_next_record(string lsn, ulong lastWal)
    {
        await using var scenario = await StartAsync();

        var plan = await PlanAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse(lsn)));

        Assert.Equal((Id(2), Name(1, lastWal)), (plan.Backup.Id, plan.LastWal.ToString()));
    }

    [Fact]
    public async Task A_position_outside_the_archive_is_refused()
    {
        await using var scenario = await StartAsync();

        Assert.Contains("0/300138", (await RefusedAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/300137")))).Message, StringComparison.Ordinal);
        // Segment 9 is archived whole, and its only record begins at 0/900028: behind it nothing would stop recovery.
        foreach (var behind in new[] { "0/900029", "0/9FFFFF" })
        {
            var error = await RefusedAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse(behind)));
            Assert.Contains("no record", error.Message, StringComparison.Ordinal);
            Assert.Contains("--target-lsn 0/900028", error.Hint, StringComparison.Ordinal);
        }

        Assert.Equal(Name(1, 9), (await PlanAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/900028")))).LastWal.ToString());
        foreach (var beyond in new[] { "0/A00000", "0/A00001", "1/0" })
        {
            Assert.Contains(Name(1, 9), (await RefusedAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse(beyond)))).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(6, 2)] // in the segment the second backup begins and ends in, before its end
    [InlineData(7, 6)]
    [InlineData(9, 6)]
    public async Task A_transaction_is_looked_up_and_the_newest_backup_before_it_taken(int segment, int backup)
    {
        await using var scenario = await StartAsync();

        var plan = await PlanAsync(scenario, RecoveryTarget.AtXid((5UL << 32) + 1000 + (ulong)segment));

        Assert.Equal((Id(backup), Name(1, (ulong)segment)), (plan.Backup.Id, plan.LastWal.ToString()));
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(8, 6)]
    public async Task A_restore_point_is_looked_up_and_the_newest_backup_before_it_taken(int segment, int backup)
    {
        await using var scenario = await StartAsync();
        Remove(scenario, (ulong)segment);
        var name = Name(1, (ulong)segment);
        var content = WalSample.Segment(name, segment, restorePoint: "before größe", commits: Minute(segment + 0.5));
        await scenario.Push.PushAsync(scenario.Write(name, content), default);

        var plan = await PlanAsync(scenario, RecoveryTarget.AtName("before größe"));

        Assert.Equal((Id(backup), name), (plan.Backup.Id, plan.LastWal.ToString()));
        Assert.Contains("name before", (await RefusedAsync(scenario, RecoveryTarget.AtName("before"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_or_transaction_that_is_nowhere_is_refused()
    {
        await using var scenario = await StartAsync();

        Assert.Contains("no such point", (await RefusedAsync(scenario, RecoveryTarget.AtName("no such point"))).Message, StringComparison.Ordinal);
        Assert.Contains("777", (await RefusedAsync(scenario, RecoveryTarget.AtXid(777))).Message, StringComparison.Ordinal);
        // Before the first backup.
        await RefusedAsync(scenario, RecoveryTarget.AtXid(1001));
    }

    [Fact]
    public async Task A_gap_after_the_newest_backup_refuses_latest_and_the_moment_it_offers_instead_is_possible()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 8);

        var error = await RefusedAsync(scenario, RecoveryTarget.Latest);

        Assert.Contains(Name(1, 8), error.Message, StringComparison.Ordinal);
        Assert.Contains(Name(1, 9), error.Message, StringComparison.Ordinal);
        var offered = await PlanAsync(scenario, RecoveryTarget.ParseTime(error.Hint!.Split('\'')[1]));
        Assert.Equal(Name(1, 7), offered.LastWal.ToString());
        Assert.Equal(Minute(7.5), offered.LastCommit);
    }

    [Fact]
    public async Task A_time_in_a_gap_is_refused_and_the_moment_it_offers_instead_is_possible()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 8);

        var error = await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(8)));

        Assert.Contains(Name(1, 8), error.Message, StringComparison.Ordinal);
        var offered = await PlanAsync(scenario, RecoveryTarget.ParseTime(error.Hint!.Split('\'')[1]));
        Assert.Equal(Name(1, 7), offered.LastWal.ToString());
    }

    [Fact]
    public async Task A_gap_before_the_chosen_backup_is_nobodys_business()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 4);

        Assert.Equal(Id(6), (await PlanAsync(scenario, RecoveryTarget.Latest)).Backup.Id);
        var error = await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(5)));
        Assert.Contains(Name(1, 4), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_whose_own_wal_is_missing_is_refused_and_the_segment_named()
    {
        await using var scenario = await StartAsync();
        Remove(scenario, 3);

        var error = await RefusedAsync(scenario, RecoveryTarget.Immediate, backup: 2);

        Assert.Contains($"{Name(1, 3)} is not in repository r1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_backup_or_an_unknown_one_is_refused()
    {
        await using var empty = await Scenario.StartAsync();
        await empty.PushRunAsync(1, 1, 2);
        Assert.Contains("pitr backup main", (await RefusedAsync(empty, RecoveryTarget.Latest)).Hint, StringComparison.Ordinal);

        await using var scenario = await StartAsync();
        var error = await RefusedAsync(scenario, RecoveryTarget.Latest, backup: 5);
        Assert.Contains(Id(2), error.Hint, StringComparison.Ordinal);
        Assert.Contains("2026-11-21T03:06:00.000000Z", (await RefusedAsync(scenario, RecoveryTarget.AtTime(Minute(4)), backup: 6)).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_newest_timeline_is_followed_back_to_its_parents_backup()
    {
        await using var scenario = await StartAsync();
        await PromoteAsync(scenario);

        var plan = await PlanAsync(scenario, RecoveryTarget.Latest);

        Assert.Equal((Id(2), Name(1, 2), Name(2, 7)), (plan.Backup.Id, plan.FirstWal.ToString(), plan.LastWal.ToString()));
        Assert.Equal([new Timeline(1), new Timeline(2)], plan.Timelines);
        Assert.Equal(Minute(107.5), plan.LastCommit);
    }

    [Theory]
    [InlineData("current", 1u, 6)]
    [InlineData("1", 1u, 6)]
    [InlineData("2", 2u, 2)]
    [InlineData("latest", 2u, 2)]
    public async Task Another_timeline_can_be_asked_for(string asked, uint timeline, int backup)
    {
        await using var scenario = await StartAsync();
        await PromoteAsync(scenario);

        var plan = await new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(RecoveryTarget.Latest, asked), default);

        Assert.Equal((timeline, Id(backup)), (plan.TargetTimeline.Value, plan.Backup.Id));
    }

    [Fact]
    public async Task A_time_on_the_newer_timeline_finds_its_commit_there()
    {
        await using var scenario = await StartAsync();
        await PromoteAsync(scenario);

        Assert.Equal(Name(2, 6), (await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(106)))).LastWal.ToString());
        Assert.Equal(Name(1, 4), (await PlanAsync(scenario, RecoveryTarget.AtTime(Minute(4)))).LastWal.ToString());
    }

    [Fact]
    public async Task A_backup_after_the_switch_belongs_to_the_parent_alone()
    {
        await using var scenario = await StartAsync();
        await PromoteAsync(scenario);

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => new RestorePlanner(scenario.Service).PlanAsync(
            new RestoreRequest(RecoveryTarget.Latest, "2", BackupId.Parse(Id(6))), default));

        Assert.Contains("no backup 20261121T030600Z that leads to timeline 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_timeline_nobody_archived_is_refused_with_those_there_are()
    {
        await using var scenario = await StartAsync();

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(RecoveryTarget.Latest, "7"), default));

        Assert.Contains("archived timelines: 1", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_timeline_without_its_history_leads_nowhere_and_says_so()
    {
        await using var scenario = await StartAsync();
        await scenario.PushRunAsync(2, 5, 7, Commits(100));

        await RefusedAsync(scenario, RecoveryTarget.Latest);
        Assert.Equal(Id(6), (await new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(RecoveryTarget.Latest, "current"), default)).Backup.Id);
    }

    [Fact]
    public async Task Nothing_is_planned_on_a_guess()
    {
        // What only one of two must hold, only both together know.
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        await FillAsync(scenario);
        foreach (var fault in new[] { StoreFault.FailBefore(StoreOperation.List), StoreFault.CutListing(3).On(p => p.Contains("wal", StringComparison.Ordinal)) })
        {
            scenario.Stores[1].Inject(fault);
            var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => PlanAsync(scenario, RecoveryTarget.Latest));
            Assert.Contains("r2", error.Message, StringComparison.Ordinal);
            Assert.Contains("--repository r1", error.Hint, StringComparison.Ordinal);
            scenario.Clock.Advance(RepositoryHealth.Rest);
        }

        Assert.Equal(Id(6), (await PlanAsync(scenario, RecoveryTarget.Latest)).Backup.Id);
    }

    [Fact]
    public async Task A_plan_goes_on_without_a_repository_that_is_down_and_recovery_asks_the_others_only()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await FillAsync(scenario);
        await scenario.PutBackupAsync(Minute(6), 6, 6, stopTime: Minute(6), repository: 1);
        foreach (var operation in new[] { StoreOperation.List, StoreOperation.Read, StoreOperation.Stat })
        {
            scenario.Stores[0].Inject(StoreFault.FailBefore(operation).Repeated(int.MaxValue));
        }

        var plan = await PlanAsync(scenario, RecoveryTarget.Latest);

        Assert.Equal((Id(6), "r2"), (plan.Backup.Id, string.Join(',', plan.Repositories)));

        // Of what this one does not have, nobody knows whether the other has it.
        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => PlanAsync(scenario, RecoveryTarget.AtTime(Minute(60))));
        Assert.Contains("r1", error.Message, StringComparison.Ordinal);
        Assert.Contains("bring it back", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_catalog_entry_hides_no_other_backup_that_is_named()
    {
        await using var scenario = await StartAsync();
        File.WriteAllText(scenario.PathOf(RepositoryLayout.Backup(scenario.Service.Name, BackupId.Parse(Id(6)))), "{");

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => PlanAsync(scenario, RecoveryTarget.Latest));
        Assert.Contains("backups/20261121T030600Z/backup.json", error.Message, StringComparison.Ordinal);

        Assert.Equal(Id(2), (await PlanAsync(scenario, RecoveryTarget.Latest, backup: 2)).Backup.Id);
    }

    [Fact]
    public async Task A_catalog_entry_damaged_in_one_repository_is_read_from_the_other()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await FillAsync(scenario);
        await scenario.PutBackupAsync(Minute(6), 6, 6, stopTime: Minute(6), repository: 1);
        File.WriteAllText(scenario.PathOf(RepositoryLayout.Backup(scenario.Service.Name, BackupId.Parse(Id(6)))), "{");

        Assert.Equal(Id(6), (await PlanAsync(scenario, RecoveryTarget.Latest)).Backup.Id);
        Assert.Equal(Id(6), (await PlanAsync(scenario, RecoveryTarget.Latest, backup: 6)).Backup.Id);
    }

    [Fact]
    public async Task A_backup_without_its_last_file_does_not_exist()
    {
        await using var scenario = await StartAsync();
        var id = new BackupId(Minute(8));
        await scenario.Store.PutAsync(RepositoryLayout.Manifest(scenario.Service.Name, id), new byte[] { 1 }, PutMode.CreateNew, default);

        Assert.Equal(Id(6), (await PlanAsync(scenario, RecoveryTarget.Latest)).Backup.Id);
    }

    static async Task<Scenario> StartAsync()
    {
        var scenario = await Scenario.StartAsync();
        await FillAsync(scenario);
        return scenario;
    }

    static async Task FillAsync(Scenario scenario)
    {
        await scenario.PushRunAsync(1, 1, 9, Commits(0));
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        await scenario.PutBackupAsync(Minute(6), 6, 6, stopTime: Minute(6));
    }

    // Promoted in segment 5, before the second backup; its commits are a hundred minutes later.
    static async Task PromoteAsync(Scenario scenario)
    {
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, Lsn.Parse("0/580000"))));
        await scenario.PushRunAsync(2, 5, 7, Commits(100));
    }

    static Func<ulong, DateTimeOffset[]> Commits(int later) => number => [Minute((double)number + later + 0.5)];

    static void Remove(Scenario scenario, ulong number) => File.Delete(scenario.PathOf(scenario.KeyOf(Name(1, number))));

    static Task<RestorePlan> PlanAsync(Scenario scenario, RecoveryTarget target, int? backup = null) =>
        new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(target, Backup: backup is { } minute ? BackupId.Parse(Id(minute)) : null), default);

    static Task<ImpossiblePlanException> RefusedAsync(Scenario scenario, RecoveryTarget target, int? backup = null) =>
        Assert.ThrowsAsync<ImpossiblePlanException>(() => PlanAsync(scenario, target, backup));

    static DateTimeOffset Minute(double minute) => Scenario.Start.AddMinutes(minute);

    static string Id(int minute) => new BackupId(Minute(minute)).ToString();

    static string Name(uint timeline, ulong number) => WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();
}
