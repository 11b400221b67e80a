using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Recovery;

public class RecoveryTests(RecoveryScenario scenario) : IClassFixture<RecoveryScenario>
{
    [Fact]
    public async Task Latest_brings_every_commit_and_reports_progress()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.Latest));
        var progress = new List<RecoveryProgress>();

        Assert.Equal(RecoveryEnd.Promoted, await server.WaitUntilRecoveryEndsAsync(progress.Add));

        Assert.Equal(Enumerable.Range(1, 10), await RecoveryScenario.ReadIdsAsync(server));
        Assert.Equal(scenario.LastSegment, progress[^1].LastRestored!.Value.Segment);
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
        Assert.Equal(new Timeline(2), (await session.ReadFactsAsync()).Timeline);
    }

    [Theory]
    [InlineData(true, 7)]
    [InlineData(false, 6)]
    public async Task Time_stops_at_the_commit_of_that_microsecond(bool inclusive, int last)
    {
        // Typed by a person in another zone.
        var text = scenario.Commits[7].Time.ToOffset(TimeSpan.FromHours(9)).ToString("yyyy-MM-dd HH:mm:ss.ffffffzzz");
        await RecoversToAsync(RecoveryTarget.ParseTime(text, inclusive), last);
    }

    [Theory]
    [InlineData(true, 4)]
    [InlineData(false, 3)]
    public Task Xid_stops_at_that_transaction(bool inclusive, int last) =>
        RecoversToAsync(RecoveryTarget.AtXid(scenario.Commits[4].Xid, inclusive), last);

    [Fact]
    public Task Lsn_stops_at_that_position() => RecoversToAsync(RecoveryTarget.AtLsn(scenario.Commits[8].End, inclusive: false), 8);

    [Fact]
    public Task Name_stops_at_the_restore_point() => RecoversToAsync(RecoveryTarget.AtName(RecoveryScenario.RestorePoint), 6);

    [Fact]
    public Task Immediate_stops_where_the_backup_is_consistent() => RecoversToAsync(RecoveryTarget.Immediate, 0);

    [Fact]
    public async Task Pause_is_told_from_promotion()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.AtXid(scenario.Commits[5].Xid)) with { Action = RecoveryAction.Pause });
        var last = default(RecoveryProgress);

        Assert.Equal(RecoveryEnd.Paused, await server.WaitUntilRecoveryEndsAsync(progress => last = progress));

        Assert.True(last.AcceptsConnections);
        Assert.Equal(scenario.Commits[5].Time, last.LastCommit);
        Assert.True(last.LastReplayed >= scenario.Commits[4].End && last.LastReplayed <= scenario.Commits[6].End);
        Assert.Equal(Enumerable.Range(1, 5), await RecoveryScenario.ReadIdsAsync(server));
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
        var facts = await session.ReadFactsAsync();
        Assert.True(facts.InRecovery);
        Assert.Equal(new Timeline(1), facts.Timeline);
        Assert.Equal(last.LastReplayed, facts.CurrentLsn);

        await session.ExecuteAsync("SELECT pg_wal_replay_resume()");
        Assert.Equal(RecoveryEnd.Promoted, await server.WaitUntilRecoveryEndsAsync());
    }

    [Fact]
    public async Task Shutdown_is_told_from_a_crash()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.AtXid(scenario.Commits[5].Xid)) with { Action = RecoveryAction.Shutdown });

        Assert.Equal(RecoveryEnd.ShutDown, await server.WaitUntilRecoveryEndsAsync());
        Assert.True(server.HasExited);
        Assert.Equal(ClusterState.ShutDownInRecovery, ControlFile.ReadFrom(server.DataDirectory).State);
    }

    [Fact]
    public async Task Says_when_the_archive_ends_before_the_target()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.AtTime(scenario.Commits[10].Time.AddDays(1))));

        var error = await Assert.ThrowsAsync<ServerException>(() => server.WaitUntilRecoveryEndsAsync());

        Assert.Contains("recovery ended before configured recovery target was reached", error.Message, StringComparison.Ordinal);
        Assert.Contains("earlier target", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_when_restore_command_stopped_the_recovery()
    {
        using var directory = new TestDirectory();
        var settings = Settings(RecoveryTarget.Latest) with { RestoreCommand = $"test %f != {scenario.LastSegment} || exit 126; {scenario.RestoreCommand}" };
        await using var server = scenario.StartRecovery(directory, settings);

        var error = await Assert.ThrowsAsync<ServerException>(() => server.WaitUntilRecoveryEndsAsync());

        Assert.Contains(scenario.LastSegment.ToString(), error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public async Task Says_when_the_backup_needs_higher_settings()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.Latest), ("max_connections", "10"), ("max_wal_senders", "0"));

        var error = await Assert.ThrowsAsync<ServerException>(() => server.WaitUntilRecoveryEndsAsync());

        Assert.Contains("max_connections = 10 is a lower setting than on the primary server", error.Message, StringComparison.Ordinal);
        Assert.Contains("at least as high", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_hot_standby_the_end_is_seen_all_the_same()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.Latest), ("hot_standby", "off"));

        Assert.Equal(RecoveryEnd.Promoted, await server.WaitUntilRecoveryEndsAsync());
        Assert.Equal(10, (await RecoveryScenario.ReadIdsAsync(server)).Length);
    }

    [Fact]
    public async Task A_standby_accepts_connections_and_stays_in_recovery()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.Latest) with { Standby = true });
        await server.WaitUntilAcceptingAsync();

        await using var session = await PostgresSession.OpenAsync(server.ConnectionString());
        await Eventually.IsTrueAsync(async () => (await RecoveryScenario.ReadIdsAsync(server)).Length == 10, "everything archived is replayed");
        var replay = await session.ReadReplayAsync();
        Assert.True(replay.InRecovery);
        Assert.False(replay.IsPaused);
        Assert.Equal(scenario.Commits[10].Time, replay.LastTransaction);
    }

    [Fact]
    public async Task Waiting_can_be_cancelled()
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(RecoveryTarget.Latest) with { Standby = true });
        using var cancellation = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.WaitUntilRecoveryEndsAsync(
            progress =>
            {
                if (progress.AcceptsConnections)
                {
                    cancellation.Cancel();
                }
            },
            cancellation.Token));
        Assert.False(server.HasExited);
    }

    async Task RecoversToAsync(RecoveryTarget target, int last)
    {
        using var directory = new TestDirectory();
        await using var server = scenario.StartRecovery(directory, Settings(target));

        Assert.Equal(RecoveryEnd.Promoted, await server.WaitUntilRecoveryEndsAsync());
        Assert.Equal(Enumerable.Range(1, last), await RecoveryScenario.ReadIdsAsync(server));
    }

    RecoverySettings Settings(RecoveryTarget target) => new(target, "latest", RecoveryAction.Promote, scenario.RestoreCommand, Standby: false);
}
