using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>
/// Streaming from the other versions of PostgreSQL: synchronous commits, a primary that is destroyed, recovery to `latest`, a promotion and the new timeline.
/// The base of the recoveries is a copy of the files, because not every version here has pg_basebackup; all WAL comes from the repository.
/// </summary>
public sealed class StreamVersionTests
{
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Nothing_that_was_acknowledged_is_lost_with_a_primary_nor_with_the_one_promoted_after_it(int version)
    {
        await using var cluster = await StreamingCluster.CreateAsync(PostgresVersionAttribute.Programs(version), _ => Task.CompletedTask, WalSegmentSize.From(1 << 20));
        await cluster.MakeSynchronousAsync();
        await cluster.Cluster.StopAsync();
        TestDirectory.Copy(cluster.Cluster.DataDirectory, cluster.Directory["base"]);
        await cluster.Cluster.StartAsync();
        await using var standby = await StartStandbyAsync(cluster);
        await StartAgentAsync(cluster, standby);
        await cluster.IsStreamingAsync();
        var first = await WriteAsync(cluster, cluster.Cluster.ConnectionString(), cluster.DestroyAsync);
        Assert.Superset(first.ToHashSet(), await RecoverAsync(cluster, "first"));

        await using var session = await PostgresSession.OpenAsync(standby.ConnectionString() + ";Pooling=false");
        await session.ExecuteAsync("SELECT pg_promote()");
        var second = await WriteAsync(cluster, standby.ConnectionString(), () => standby.StopAsync(ServerStopMode.Immediate), firstNumber: 1_000_000);
        Assert.True(File.Exists(cluster.Host.WalPath("00000002.history")), cluster.AgentLog());
        Assert.Superset(second.ToHashSet(), await RecoverAsync(cluster, "second"));
        (await cluster.Host.RunAsync("wal", "verify", PitrHost.Service)).Must();
    }

    static async Task<ICollection<string>> WriteAsync(ProtectedCluster cluster, string connection, Func<Task> end, int firstNumber = 0)
    {
        await using var writers = new AcknowledgedWriters(connection + ";Pooling=false", TestEnvironment.Seed, firstNumber);
        await Eventually.IsTrueAsync(() => writers.Acknowledged.Count > 100, () => $"transactions are acknowledged; {cluster.AgentLog()}");
        await end();
        await writers.EndAsync();
        return writers.Acknowledged;
    }

    // As a person would without `pitr restore`.
    static async Task<HashSet<string>> RecoverAsync(ProtectedCluster cluster, string name)
    {
        var data = cluster.Directory[name];
        TestDirectory.Copy(cluster.Directory["base"], data);
        await File.WriteAllTextAsync(Path.Combine(data, "recovery.signal"), "");
        await using var server = Start(cluster, data, new()
        {
            ["restore_command"] = $"{TestEnvironment.PitrArchive} --config {cluster.Host.ConfigurationFile} --socket {cluster.Host.Socket} --pitr {TestEnvironment.Pitr} get {PitrHost.Service} %f %p",
            ["recovery_target_timeline"] = "latest",
            ["archive_mode"] = "off",
            ["synchronous_standby_names"] = "",
        });
        await server.WaitUntilRecoveryEndsAsync();
        await using var connection = new NpgsqlConnection(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        return await StreamingCluster.ReadAcknowledgedAsync(connection);
    }

    static async Task<PostgresServer> StartStandbyAsync(ProtectedCluster cluster)
    {
        var data = cluster.Directory["standby"];
        TestDirectory.Copy(cluster.Directory["base"], data);
        // Slots do not come with a base backup either.
        Directory.Delete(Path.Combine(data, "pg_replslot", StreamingCluster.Slot), recursive: true);
        await File.WriteAllTextAsync(Path.Combine(data, "standby.signal"), "");
        var server = Start(cluster, data, new()
        {
            ["primary_conninfo"] = $"host={cluster.Cluster.SocketDirectory} port={cluster.Cluster.Server.Port} user=postgres",
            ["archive_mode"] = "off",
        });
        await server.WaitUntilAcceptingAsync();
        return server;
    }

    static PostgresServer Start(ProtectedCluster cluster, string data, Dictionary<string, string> settings) => PostgresServer.Start(new PostgresServerOptions
    {
        BinDirectory = cluster.Cluster.BinDirectory,
        DataDirectory = data,
        SocketDirectory = Directory.CreateDirectory(data + ".s").FullName,
        LogFile = data + ".log",
        Settings = settings,
        StopOnDispose = ServerStopMode.Immediate,
    });

    // It knows both hosts.
    static async Task StartAgentAsync(ProtectedCluster cluster, PostgresServer standby)
    {
        await cluster.Agent!.KillAsync();
        cluster.Agent.Dispose();
        cluster.Host.Environment["PITR_SERVICES__MAIN__CONNECTION"] =
            $"Host={cluster.Cluster.SocketDirectory}:{cluster.Cluster.Server.Port},{standby.SocketDirectory}:{standby.Port};Username=postgres";
        cluster.Agent = await cluster.Host.StartAgentAsync();
    }
}
