using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests;

/// <summary>Recoveries that a person starts, with an agent and without: segments are fetched ahead, and nothing of that is left afterwards.</summary>
public sealed class PrefetchTests(PrefetchTests.Archive archive) : IClassFixture<PrefetchTests.Archive>
{
    const string Content = "SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM bulk t";

    PitrHost Host => archive.Cluster.Host;

    [Fact]
    public async Task A_recovery_that_an_agent_serves_is_complete_and_leaves_nothing()
    {
        using var agent = await Host.StartAgentAsync();
        await using var recovering = await StartAsync("agent");

        await recovering.WaitUntilRecoveryEndsAsync();

        Assert.Equal(archive.Everything, await recovering.ScalarAsync<string>(Content));
        Assert.DoesNotContain("doing the work inline", recovering.Log, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Host.StateDirectory, "services/main/prefetch.lock")), "nothing was fetched ahead");
        Assert.Empty(recovering.Helpers);
        await recovering.NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_recovery_without_an_agent_is_served_by_a_helper_that_ends_with_it()
    {
        await using var recovering = await StartAsync("helper");
        var seen = false;
        var watching = Eventually.IsTrueAsync(() => seen = seen || recovering.Helpers.Count > 0, () => "a helper is left behind");

        await recovering.WaitUntilRecoveryEndsAsync();
        await watching;

        Assert.Equal(archive.Everything, await recovering.ScalarAsync<string>(Content));
        await recovering.NothingIsLeftAsync();
    }

    [Fact]
    public async Task An_agent_that_is_killed_in_the_middle_of_a_recovery_is_not_missed()
    {
        using var agent = await Host.StartAgentAsync();
        await using var recovering = await StartAsync("killed");

        await Eventually.IsTrueAsync(() => recovering.FetchedAhead.Count > 0, () => $"segments are fetched ahead\n{recovering.Log}");
        await agent.KillAsync();
        await recovering.WaitUntilRecoveryEndsAsync();

        Assert.Equal(archive.Everything, await recovering.ScalarAsync<string>(Content));
        // What the killed one had fetched goes with the next that starts, if the helper has not removed it.
        using var next = await Host.StartAgentAsync();
        await recovering.NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_recovery_that_is_broken_off_leaves_nothing()
    {
        await using var recovering = await StartAsync("broken-off");
        await Eventually.IsTrueAsync(() => recovering.Helpers.Count > 0, () => $"a helper is left behind\n{recovering.Log}");

        await recovering.StopAsync();

        await Eventually.IsTrueAsync(() => recovering.Helpers.Count == 0, () => "the helper ends");
        await Eventually.IsTrueAsync(() => recovering.FetchedAhead.Count == 0, () => "what was fetched ahead is removed");
    }

    [SmallDiskFact]
    public async Task Without_room_to_fetch_ahead_a_recovery_is_slower_and_as_complete()
    {
        using var disk = SmallDisk.Mount(Directory.CreateDirectory(Host.StateDirectory).FullName, "size=4m,nr_inodes=100");
        Host.Through = disk.Enter;
        try
        {
            // There is no room to speak of: it is left to whoever else needs it, and that is no trouble.
            disk.Fill(keepFree: 1 << 20);
            await using (var restored = await RestoredCluster.StartAsync(Host, archive.Cluster.Directory["no-room"]))
            {
                Assert.Equal(archive.Everything, await restored.ScalarAsync<string>(Content));
                Assert.DoesNotContain("WRN", restored.Said, StringComparison.Ordinal);
                Assert.Empty(Directory.EnumerateFiles(disk.Seen(Host.StateDirectory), "0*", SearchOption.AllDirectories));
            }

            // Not even a directory can be made.
            disk.FillNames();
            await using (var restored = await RestoredCluster.StartAsync(Host, archive.Cluster.Directory["no-name"]))
            {
                Assert.Equal(archive.Everything, await restored.ScalarAsync<string>(Content));
                Assert.Matches($"nothing is fetched ahead, because {Host.StateDirectory}\\S* cannot be used: No space left on device", restored.Said);
            }
        }
        finally
        {
            Host.Through = [];
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_standby_that_keeps_asking_follows_gets_everything_and_can_take_over(bool withAgent)
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await cluster.ExecuteAsync("CREATE TABLE t (i int)");
        await cluster.BackupAsync();
        if (!withAgent)
        {
            cluster.Agent!.Dispose();
            cluster.Agent = null;
        }

        await using var standby = await RecoveringCluster.StartAsync(cluster.Host, cluster.Directory["standby"], standby: true);
        await standby.WaitUntilAcceptingAsync();
        for (var round = 1; round <= 5; round++)
        {
            await cluster.ExecuteAsync($"INSERT INTO t SELECT {round} FROM generate_series(1, 20000)");
            await cluster.ArchiveEverythingAsync();
            await Eventually.IsTrueAsync(
                async () => await standby.ScalarAsync<long>("SELECT count(*) FROM t") == round * 20000, () => $"round {round} arrives\n{standby.Log}");
        }

        Assert.True(await standby.ScalarAsync<bool>("SELECT pg_promote()"));
        Assert.Equal(100000, await standby.ScalarAsync<long>("SELECT count(*) FROM t"));
        await standby.NothingIsLeftAsync();
    }

    [Fact]
    public async Task Recovery_goes_over_a_timeline_switch_without_an_agent()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await cluster.ExecuteAsync("CREATE TABLE t (i int)");
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("INSERT INTO t SELECT 1 FROM generate_series(1, 50000)");
        await cluster.ArchiveEverythingAsync();
        await cluster.Cluster.StopAsync();

        await using (var successor = await RestoredCluster.StartAtAsync(
            cluster.Host, cluster.Directory["successor"], cluster.Cluster.SocketDirectory, "--archive-mode", "keep", "--port", "5432"))
        {
            await using var connection = await successor.OpenAsync();
            await using var insert = new Npgsql.NpgsqlCommand("INSERT INTO t SELECT 2 FROM generate_series(1, 50000)", connection);
            await insert.ExecuteNonQueryAsync();
            var segment = await successor.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
            await Eventually.IsTrueAsync(() => File.Exists(cluster.Host.WalPath(segment)), () => $"{segment} is archived");
        }

        cluster.Agent!.Dispose();
        cluster.Agent = null;
        await using var latest = await RecoveringCluster.StartAsync(cluster.Host, cluster.Directory["latest"]);
        await latest.WaitUntilRecoveryEndsAsync();
        Assert.Equal("50000 50000", await latest.ScalarAsync<string>("SELECT count(*) FILTER (WHERE i = 1) || ' ' || count(*) FILTER (WHERE i = 2) FROM t"));
        await latest.NothingIsLeftAsync();
    }

    Task<RecoveringCluster> StartAsync(string name) => RecoveringCluster.StartAsync(Host, archive.Cluster.Directory[name]);

    /// <summary>A cluster with a backup and some dozens of segments behind it, and no agent.</summary>
    public sealed class Archive : IAsyncLifetime
    {
        ProtectedCluster? _cluster;

        internal ProtectedCluster Cluster => _cluster!;

        internal string Everything { get; private set; } = "";

        public async Task InitializeAsync()
        {
            _cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
            await _cluster.ExecuteAsync("CREATE TABLE bulk (i int, t text)");
            await _cluster.BackupAsync();
            await _cluster.ExecuteAsync("INSERT INTO bulk SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 100000) i");
            await _cluster.ArchiveEverythingAsync();
            Everything = await _cluster.ScalarAsync<string>(Content);
            await _cluster.Cluster.StopAsync();
            _cluster.Agent!.Dispose();
            _cluster.Agent = null;
        }

        public async Task DisposeAsync() => await _cluster!.DisposeAsync();
    }
}
