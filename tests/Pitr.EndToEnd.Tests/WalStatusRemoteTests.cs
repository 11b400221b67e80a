using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr wal status` from another host: the server answers over TCP, and its files are not here.</summary>
public sealed class WalStatusRemoteTests
{
    [Fact]
    public async Task A_server_whose_files_are_elsewhere_is_judged_by_what_it_says()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off"), ("wal_keep_size", "1GB")]);
        var host = cluster.Host;
        await cluster.ExecuteAsync("CREATE TABLE t (x text); CREATE ROLE watcher LOGIN; CREATE ROLE nobody LOGIN; GRANT pg_monitor TO watcher");
        await cluster.ArchiveEverythingAsync();
        await cluster.Cluster.StopAsync();
        await using var server = PostgresServer.Start(new PostgresServerOptions
        {
            BinDirectory = cluster.Cluster.BinDirectory,
            DataDirectory = cluster.Cluster.DataDirectory,
            SocketDirectory = cluster.Cluster.SocketDirectory,
            LogFile = cluster.Directory["tcp.log"],
            Port = LoopbackPort.Free(),
            StopOnDispose = ServerStopMode.Immediate,
            Settings = new Dictionary<string, string> { ["listen_addresses"] = "127.0.0.1", ["fsync"] = "off" },
        });
        await server.WaitUntilAcceptingAsync();
        await EverythingIsArchivedAsync(server);
        var text = await File.ReadAllLinesAsync(host.ConfigurationFile);
        Assert.Contains(text, line => line.TrimStart().StartsWith("data-directory:", StringComparison.Ordinal));
        await File.WriteAllLinesAsync(host.ConfigurationFile, text.Where(line => !line.TrimStart().StartsWith("data-directory:", StringComparison.Ordinal)));
        Connect(host, server, "watcher");

        var well = (await host.RunAsync("--output", "json", "wal", "status", "main", "--sample", "1s")).Must().Json;
        Assert.Equal(("keeps-up", "server"), (well.GetProperty("archiving").GetString(), well.GetProperty("position-from").GetString()));
        Assert.InRange(well.GetProperty("pg-wal").GetProperty("bytes").GetInt64(), 1 << 20, Directory.EnumerateFiles(cluster.PgWal).Sum(f => new FileInfo(f).Length));
        Assert.Equal(0, well.GetProperty("ready").GetInt32());
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (well.GetProperty("runway").ValueKind, well.GetProperty("pg-wal").GetProperty("free-bytes").ValueKind));
        // What only the files tell is said to be unknown, and is no alarm.
        Assert.Equal(["pg-wal"], well.GetProperty("unknown").EnumerateArray().Select(u => u.GetProperty("name").GetString()));
        Assert.Contains("data-directory is not configured", (await host.RunAsync("wal", "status", "main", "--sample", "0s")).Must().Output, StringComparison.Ordinal);

        Directory.Move(host.Repository, host.Repository + "-away");
        for (var i = 0; i < 4; i++)
        {
            await ScalarAsync<string>(server, "INSERT INTO t SELECT repeat(md5(i::text), 20) FROM generate_series(1, 500) i; SELECT pg_switch_wal()::text");
        }

        await Eventually.IsTrueAsync(() => ScalarAsync<bool>(server, "SELECT failed_count > 0 FROM pg_stat_archiver"), () => "archiving fails");
        var failing = (await host.RunAsync("--output", "json", "wal", "status", "main", "--sample", "0s")).Must(9).Json;
        Assert.Equal("fails", failing.GetProperty("archiving").GetString());
        Assert.Equal(Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*.ready").Count(), failing.GetProperty("ready").GetInt32());
        Assert.InRange(failing.GetProperty("at").GetDateTimeOffset() - failing.GetProperty("ready-since").GetDateTimeOffset(), TimeSpan.Zero, TimeSpan.FromMinutes(10));

        // A role that may not look into pg_wal still learns what every role may.
        Connect(host, server, "nobody");
        var blind = (await host.RunAsync("--output", "json", "wal", "status", "main", "--sample", "0s")).Must(9).Json;
        Assert.Equal(("fails", JsonValueKind.Null), (blind.GetProperty("archiving").GetString(), blind.GetProperty("ready").ValueKind));
        Assert.Contains(blind.GetProperty("unknown").EnumerateArray(), u => u.GetProperty("text").GetString()!.Contains("permission denied", StringComparison.Ordinal));

        await server.StopAsync(ServerStopMode.Immediate);
        Directory.Move(host.Repository + "-away", host.Repository);
        var down = (await host.RunAsync("--output", "json", "wal", "status", "main", "--sample", "0s")).Must(10).Json;
        Assert.Equal("unknown", down.GetProperty("archiving").GetString());
        Assert.NotEqual(JsonValueKind.Null, down.GetProperty("archived-to").ValueKind);
    }

    static void Connect(PitrHost host, PostgresServer server, string role) =>
        host.Environment["PITR_SERVICES__MAIN__CONNECTION"] = $"Host=127.0.0.1;Port={server.Port};Username={role};Database=postgres";

    static Task EverythingIsArchivedAsync(PostgresServer server) => Eventually.IsTrueAsync(
        async () => await ScalarAsync<long>(server, "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'") == 0, () => "everything is archived");

    static async Task<T> ScalarAsync<T>(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
