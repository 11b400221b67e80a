using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>Primary and standby under one service name, with a real promotion, and what an old primary does that comes back.</summary>
public sealed class FailoverTests
{
    const string Fill = "SELECT pg_logical_emit_message(false, 'fill', repeat(md5(random()::text), 20000)); SELECT pg_switch_wal()";

    [Fact]
    public async Task A_standby_may_archive_the_same_segments_and_after_its_promotion_archives_beside_the_old_timeline()
    {
        await using var primary = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("wal_keep_size", "1GB"), ("archive_timeout", "0")]);
        var host = primary.Host;
        await primary.ExecuteAsync("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('before')");
        await using var standby = await OtherServer.CopyAsync(primary, "standby", isStandby: true);
        for (var i = 0; i < 5; i++)
        {
            await primary.ExecuteAsync(Fill);
        }

        var last = await primary.ArchiveEverythingAsync();
        await Eventually.IsTrueAsync(() => standby.IsArchived(last), () => $"the standby has archived {last}, too; {standby.Log()}");
        // Whoever came second found it there and the same: no failure on either side.
        Assert.Equal(0, await primary.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver"));
        Assert.Equal(0, await standby.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver"));
        Assert.NotEqual(0, await standby.ScalarAsync<long>("SELECT archived_count FROM pg_stat_archiver"));

        // The primary dies in the middle of a segment.
        await primary.ExecuteAsync("INSERT INTO notes VALUES ('last of the first'); SELECT pg_logical_emit_message(false, 'half', repeat('x', 100000))");
        var torn = await primary.ScalarAsync<string>("SELECT pg_walfile_name(pg_current_wal_lsn())");
        await Eventually.IsTrueAsync(async () => await standby.ScalarAsync<long>("SELECT count(*) FROM notes") == 2, () => $"the standby has replayed; {standby.Log()}");
        Processes.Kill(primary.Cluster.Server.ProcessId);
        await Eventually.IsTrueAsync(() => primary.Cluster.Server.HasExited, () => "the primary is gone");
        Assert.True(await standby.ScalarAsync<bool>("SELECT pg_promote()"));
        await standby.ExecuteAsync("INSERT INTO notes VALUES ('first of the second')");
        await standby.ExecuteAsync(Fill);

        var next = "00000002" + torn[8..];
        await Eventually.IsTrueAsync(
            () => File.Exists(host.WalPath(next)) && File.Exists(host.WalPath("00000002.history")) && File.Exists(host.WalPath(torn + ".partial")),
            () => $"{next}, the history and {torn}.partial are archived; {standby.Log()}");
        Assert.Equal(0, await standby.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver"));

        // The old primary comes back and goes on with the old timeline, as if nothing had happened: beside the new one, nothing is overwritten.
        var before = TreeState.Of(host.Repository);
        await primary.Cluster.StopAsync();
        await primary.Cluster.StartAsync();
        await primary.ExecuteAsync(Fill);
        await Eventually.IsTrueAsync(() => File.Exists(host.WalPath(torn)), () => $"{torn} of the old timeline is archived; {primary.Log()}");
        Assert.Empty(before.Except(TreeState.Of(host.Repository)));

        Assert.DoesNotContain("recovery will end at", standby.WholeLog() + await File.ReadAllTextAsync(primary.Cluster.LogFile), StringComparison.Ordinal);
        using var contents = new RepositoryContents(host.Repository, host.IdentityFile);
        contents.OpenEverything();
        Assert.False(contents.Open(Key(host, next)).AsSpan().SequenceEqual(contents.Open(Key(host, torn))));
        var timelines = (await host.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines");
        Assert.Equal([1, 2], timelines.EnumerateArray().Select(t => t.GetProperty("timeline").GetInt32()));
    }

    [Fact]
    public async Task An_old_primary_that_writes_another_history_is_refused_with_both_fingerprints_and_nothing_is_overwritten()
    {
        await using var primary = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("wal_keep_size", "1GB"), ("archive_timeout", "0")]);
        var host = primary.Host;
        await primary.ArchiveEverythingAsync();
        // A copy of the machine is started beside the machine: one timeline, two servers that write it.
        await primary.Cluster.StopAsync();
        await using var old = await OtherServer.CopyAsync(primary, "old", isStandby: false);
        await primary.Cluster.StartAsync();
        await primary.ExecuteAsync(Fill);
        var segment = await primary.ArchiveEverythingAsync();
        var stored = TreeState.Of(host.Repository);

        await old.StartAsync();
        await old.ExecuteAsync(Fill);
        await old.ExecuteAsync(Fill);

        await Eventually.IsTrueAsync(async () => await old.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver") > 0, () => $"the copy is refused; {old.Log()}");
        var refused = await old.ScalarAsync<string>("SELECT last_failed_wal FROM pg_stat_archiver");
        Assert.True(string.CompareOrdinal(refused, segment) <= 0, $"{refused} was refused, {segment} is archived");
        var fingerprint = Convert.ToHexStringLower((await File.ReadAllBytesAsync(host.WalPath(refused))).AsSpan(64, 16));
        await Eventually.IsTrueAsync(() => old.Log().Contains("stop the wrong one", StringComparison.Ordinal), () => $"the reason is in the server's log; {old.Log()}");
        Assert.Matches($"{refused} is already in repository local with other content: stored {fingerprint}, offered [0-9a-f]{{32}}", old.Log());
        Assert.DoesNotContain($"offered {fingerprint}", old.Log(), StringComparison.Ordinal);
        Assert.Contains("HINT:", old.Log(), StringComparison.Ordinal);
        // PostgreSQL keeps what was refused.
        Assert.True(File.Exists(Path.Combine(old.PgWal, "archive_status", refused + ".ready")));
        Assert.True(File.Exists(Path.Combine(old.PgWal, refused)));
        Assert.Empty(stored.Except(TreeState.Of(host.Repository)));

        // The right one is not disturbed.
        await primary.ExecuteAsync(Fill);
        await primary.ArchiveEverythingAsync();
        Assert.Equal(0, await primary.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver"));
    }

    static string Key(PitrHost host, string name) => Path.GetRelativePath(host.Repository, host.WalPath(name));

    /// <summary>A second server of the same cluster, archiving under the same service name.</summary>
    sealed class OtherServer : IAsyncDisposable
    {
        readonly ProtectedCluster _primary;
        readonly string _directory;
        PostgresServer? _server;

        OtherServer(ProtectedCluster primary, string directory) => (_primary, _directory) = (primary, directory);

        public string PgWal => Path.Combine(_directory, "pg_wal");

        public static async Task<OtherServer> CopyAsync(ProtectedCluster primary, string name, bool isStandby)
        {
            var server = new OtherServer(primary, primary.Directory[name]);
            if (!isStandby)
            {
                TestDirectory.Copy(primary.Cluster.DataDirectory, server._directory);
                return server;
            }

            (await ProgramRun.RunAsync(
                primary.Cluster.BinDirectory.Program("pg_basebackup"),
                ["-D", server._directory, "-R", "-X", "stream", "-c", "fast", "-h", primary.Cluster.SocketDirectory, "-p", "5432", "-U", "postgres"])).Must();
            await server.StartAsync(("archive_mode", "always"));
            return server;
        }

        public async Task StartAsync(params (string Name, string Value)[] settings)
        {
            _server = PostgresServer.Start(new PostgresServerOptions
            {
                DataDirectory = _directory,
                BinDirectory = _primary.Cluster.BinDirectory,
                SocketDirectory = Directory.CreateDirectory(_directory + ".s").FullName,
                LogFile = _directory + ".log",
                StopOnDispose = ServerStopMode.Immediate,
                Settings = settings.ToDictionary(s => s.Name, s => s.Value),
            });
            await _server.WaitUntilAcceptingAsync();
        }

        public bool IsArchived(string segment) => File.Exists(Path.Combine(PgWal, "archive_status", segment + ".done"));

        public async Task ExecuteAsync(string sql)
        {
            await using var connection = new NpgsqlConnection(_server!.ConnectionString() + ";Pooling=false");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }

        public async Task<T> ScalarAsync<T>(string sql)
        {
            await using var connection = new NpgsqlConnection(_server!.ConnectionString() + ";Pooling=false");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(sql, connection);
            return (T)(await command.ExecuteScalarAsync())!;
        }

        public string WholeLog() => File.ReadAllText(_directory + ".log");

        public string Log() => string.Join('\n', _server!.LogTail(60));

        public async ValueTask DisposeAsync()
        {
            if (_server is not null)
            {
                await _server.DisposeAsync();
            }
        }
    }
}
