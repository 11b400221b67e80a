using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>A standby is promoted: the agent, which knows both hosts, follows it to the new timeline.</summary>
public sealed class StreamPromotionTests
{
    static readonly WalSegmentSize Small = WalSegmentSize.From(1 << 20);

    [Fact]
    public async Task The_stream_follows_a_promotion()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small);
        await cluster.BackupAsync();
        await StopAgentAsync(cluster);
        await using var standby = await StartStandbyAsync(cluster);
        cluster.Host.Environment["PITR_SERVICES__MAIN__CONNECTION"] =
            $"Host={cluster.Cluster.SocketDirectory}:{cluster.Cluster.Server.Port},{standby.SocketDirectory}:{standby.Port};Username=postgres";
        cluster.Agent = await cluster.Host.StartAgentAsync();
        await cluster.IsStreamingAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged SELECT 1, i, md5(i::text) FROM generate_series(1, 30000) i");
        await cluster.ExecuteAsync("INSERT INTO acknowledged VALUES (2, 1, '')");
        await cluster.EverythingIsStreamedAsync();
        await using var session = await PostgresSession.OpenAsync(standby.ConnectionString());
        await Eventually.IsTrueAsync(async () => await CountAsync(session) == 30001, () => "the standby has it");

        await cluster.DestroyAsync();
        await session.ExecuteAsync("SELECT pg_promote()");
        await session.ExecuteAsync("INSERT INTO acknowledged SELECT 3, i, md5(i::text) FROM generate_series(1, 30000) i");
        await session.ExecuteAsync("INSERT INTO acknowledged VALUES (4, 1, '')");
        await IsStreamedAsync(cluster, session);
        Assert.True(File.Exists(cluster.Host.WalPath("00000002.history")), cluster.AgentLog());
        await StopAgentAsync(cluster);
        using (var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile))
        {
            contents.OpenEverything();
        }

        var machine = cluster.OtherMachine("machine");
        await using (var latest = await RestoredCluster.StartAsync(machine, cluster.Directory["latest"]))
        {
            Assert.Equal(60002, await latest.ScalarAsync<long>("SELECT count(*) FROM acknowledged"));
        }

        // Down the old timeline there is what the old primary sent last.
        await using (var abandoned = await RestoredCluster.StartAsync(machine, cluster.Directory["abandoned"], "--target-timeline", "1"))
        {
            Assert.Equal(30001, await abandoned.ScalarAsync<long>("SELECT count(*) FROM acknowledged"));
        }
    }

    [Fact]
    public async Task An_old_primary_that_comes_back_is_refused()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small);
        await StopAgentAsync(cluster);
        await using var standby = await StartStandbyAsync(cluster);
        await using var session = await PostgresSession.OpenAsync(standby.ConnectionString());
        await session.ExecuteAsync("SELECT pg_promote()");
        cluster.Host.Environment["PITR_SERVICES__MAIN__CONNECTION"] = standby.ConnectionString();
        cluster.Agent = await cluster.Host.StartAgentAsync();
        await session.ExecuteAsync("INSERT INTO acknowledged VALUES (1, 1, '')");
        await IsStreamedAsync(cluster, session);
        await StopAgentAsync(cluster);

        cluster.Host.Environment["PITR_SERVICES__MAIN__CONNECTION"] = cluster.Cluster.ConnectionString();
        cluster.Agent = await cluster.Host.StartAgentAsync();
        await cluster.AgentSaysAsync("an old primary that came back?");
    }

    static async Task StopAgentAsync(ProtectedCluster cluster)
    {
        await cluster.Agent!.KillAsync();
        cluster.Agent.Dispose();
        cluster.Agent = null;
    }

    static async Task<long> CountAsync(PostgresSession session)
    {
        await using var command = new NpgsqlCommand("SELECT count(*) FROM acknowledged", session.Connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    static async Task IsStreamedAsync(ProtectedCluster cluster, PostgresSession session)
    {
        await using var current = new NpgsqlCommand("SELECT pg_current_wal_flush_lsn()::text", session.Connection);
        var end = (string)(await current.ExecuteScalarAsync())!;
        await using var command = new NpgsqlCommand(
            $"SELECT coalesce(bool_or(flush_lsn >= '{end}'), false) FROM pg_stat_replication WHERE application_name = '{StreamingCluster.Slot}'", session.Connection);
        await Eventually.IsTrueAsync(async () => (bool)(await command.ExecuteScalarAsync())!, () => $"the new primary's WAL until {end} is streamed; {cluster.AgentLog()}");
    }

    // It archives nothing: what is stored of the new timeline came over the stream.
    static async Task<PostgresServer> StartStandbyAsync(ProtectedCluster cluster)
    {
        var data = cluster.Directory["standby"];
        var run = await ProgramRun.RunAsync(
            cluster.Cluster.BinDirectory.Program("pg_basebackup"),
            ["-h", cluster.Cluster.SocketDirectory, "-p", $"{cluster.Cluster.Server.Port}", "-U", "postgres", "-D", data, "-R", "-X", "stream", "-c", "fast"]);
        run.Must();
        var server = PostgresServer.Start(new PostgresServerOptions
        {
            BinDirectory = cluster.Cluster.BinDirectory,
            DataDirectory = data,
            SocketDirectory = cluster.Directory.New("s"),
            LogFile = cluster.Directory["standby.log"],
            Settings = new Dictionary<string, string> { ["archive_mode"] = "off" },
            StopOnDispose = ServerStopMode.Immediate,
        });
        await server.WaitUntilAcceptingAsync();
        return server;
    }
}
