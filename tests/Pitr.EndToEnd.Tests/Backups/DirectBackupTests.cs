using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>Backups that read the files of a running server.</summary>
public sealed class DirectBackupTests
{
    [Fact]
    public async Task What_is_of_one_run_of_the_server_is_left_out_and_odd_files_stop_nobody()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await using var session = await cluster.OpenAsync();
        await session.ExecuteAsync("CREATE TEMP TABLE gone AS SELECT 1; CREATE UNLOGGED TABLE emptied AS SELECT generate_series(1, 1000) i; CREATE TABLE kept AS SELECT 1 i");
        await session.ExecuteAsync("SELECT pg_create_physical_replication_slot('slot', true); CHECKPOINT");
        var unlogged = await cluster.ScalarAsync<string>("SELECT pg_relation_filepath('emptied')");
        var data = cluster.Cluster.DataDirectory;
        Directory.CreateDirectory(Path.Combine(data, "base", "pgsql_tmp"));
        File.WriteAllText(Path.Combine(data, "base", "pgsql_tmp", "pgsql_tmp1.0"), "sorting");
        File.WriteAllText(Path.Combine(data, "notes.txt"), "somebody's");
        File.CreateSymbolicLink(Path.Combine(data, "elsewhere"), "/etc/hostname");
        (await ProgramRun.RunAsync("mkfifo", [Path.Combine(data, "pipe")])).Must();

        var run = (await cluster.Host.RunAsync("--verbose", "backup", PitrHost.Service, "--method", "direct")).Must();

        Assert.Contains("pipe is left out", run.Errors, StringComparison.Ordinal);
        Assert.Contains("elsewhere is left out", run.Errors, StringComparison.Ordinal);
        (await cluster.Host.RunAsync("restore", PitrHost.Service, "--to", cluster.Directory["to"], "--target", "immediate")).Must();
        string At(string path) => Path.Combine(cluster.Directory["to"], path);
        Assert.Equal("somebody's", File.ReadAllText(At("notes.txt")));
        Assert.False(File.Exists(At(unlogged)));
        Assert.True(File.Exists(At(unlogged + "_init")));
        Assert.All(new[] { "postmaster.pid", "postmaster.opts", "pipe", "elsewhere", "base/pgsql_tmp" }, path => Assert.False(Path.Exists(At(path)), path));
        Assert.Empty(Directory.GetFileSystemEntries(At("pg_replslot")));
        Assert.Empty(Directory.GetFiles(At("base"), "t*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_database_that_takes_the_OID_of_another_one_is_copied()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await using (var session = await cluster.OpenAsync())
        {
            // Two that differ in the rows of the same pages of the same files.
            await session.ExecuteAsync("CREATE DATABASE one OID 50001 STRATEGY file_copy");
            await FillAsync(cluster, "one", "one");
            await session.ExecuteAsync("CREATE DATABASE two TEMPLATE one OID 50002 STRATEGY file_copy");
            await FillAsync(cluster, "two", "two");
            await session.ExecuteAsync("CREATE DATABASE copy TEMPLATE one OID 50003 STRATEGY file_copy");
            (await cluster.Host.RunAsync("backup", PitrHost.Service)).Must();
            await session.ExecuteAsync("DROP DATABASE copy");
            await session.ExecuteAsync("CREATE DATABASE copy TEMPLATE two OID 50003 STRATEGY file_copy");
        }

        var backup = await cluster.BackupAsync();
        Assert.True(backup.GetProperty("older-packs").GetArrayLength() > 0);
        await cluster.ArchiveEverythingAsync();

        await using var restored = await cluster.RestoreAsync("to", "--target", "immediate");
        await using var connection = await restored.OpenAsync();
        await connection.ChangeDatabaseAsync("copy");
        await using var reading = new NpgsqlCommand("SELECT DISTINCT v FROM t", connection);
        Assert.Equal("two", await reading.ExecuteScalarAsync());
    }

    static async Task FillAsync(ProtectedCluster cluster, string database, string value)
    {
        await using var connection = new NpgsqlConnection(cluster.Cluster.ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE TABLE IF NOT EXISTS t (i int PRIMARY KEY, v text); DELETE FROM t; INSERT INTO t SELECT i, '{value}' FROM generate_series(1, 1000) i; CHECKPOINT", connection);
        await command.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task Tablespaces_come_back_elsewhere_also_after_the_older_backup_was_removed()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        var space = cluster.Directory.New("space");
        await using (var session = await cluster.OpenAsync())
        {
            await session.ExecuteAsync($"CREATE TABLESPACE fast LOCATION '{space}'");
            await session.ExecuteAsync("CREATE DATABASE there TABLESPACE fast");
            await session.ExecuteAsync("CREATE TABLE t TABLESPACE fast AS SELECT i, repeat(md5(i::text), 20) v FROM generate_series(1, 5000) i; CHECKPOINT");
        }

        (await cluster.Host.RunAsync("backup", PitrHost.Service, "--method", "stream")).Must(8).MustSay("method direct");
        var first = await cluster.BackupAsync();
        await cluster.ExecuteAsync("UPDATE t SET v = 'changed' WHERE i = 17; CREATE INDEX ON t (i) TABLESPACE fast");
        var second = await cluster.BackupAsync();
        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("base").GetString());
        Assert.True(second.GetProperty("stored-bytes").GetInt64() < first.GetProperty("stored-bytes").GetInt64() / 2);
        (await cluster.Host.RunAsync("expire", PitrHost.Service, "--backup", first.GetProperty("id").GetString()!)).Must();
        await cluster.ArchiveEverythingAsync();

        (await cluster.Host.RunAsync("restore", PitrHost.Service, "--to", cluster.Directory["refused"])).Must(8).MustSay("--tablespace-map");
        await using var restored = await cluster.RestoreAsync("to", "--tablespace-map", $"{space}={cluster.Directory["moved"]}");

        Assert.Equal("changed", await restored.ScalarAsync<string>("SELECT v FROM t WHERE i = 17"));
        Assert.Equal(12502500, await restored.ScalarAsync<long>("SELECT sum(i) FROM t"));
        Assert.Equal(cluster.Directory["moved"], await restored.ScalarAsync<string>("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'"));
    }

    [Fact]
    public async Task A_directory_of_another_cluster_is_refused_and_auto_streams_instead()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT generate_series(1, 100) i");
        // The role may see no data_directory, and the configuration names a copy that nobody runs.
        await cluster.ExecuteAsync("CREATE ROLE blind LOGIN REPLICATION; GRANT EXECUTE ON FUNCTION pg_backup_start, pg_backup_stop, pg_switch_wal TO blind; GRANT pg_read_all_stats TO blind");
        TestDirectory.Copy(cluster.Cluster.DataDirectory, cluster.Directory["copy"]);
        var configuration = File.ReadAllText(cluster.Host.ConfigurationFile);
        File.WriteAllText(cluster.Host.ConfigurationFile, configuration
            .Replace($"data-directory: {cluster.Cluster.DataDirectory}", $"data-directory: {cluster.Directory["copy"]}", StringComparison.Ordinal)
            .Replace("Username=postgres", "Username=blind", StringComparison.Ordinal));
        await cluster.ExecuteAsync("CHECKPOINT; SELECT pg_switch_wal(); CHECKPOINT");

        (await cluster.Host.RunAsync("backup", PitrHost.Service, "--method", "direct")).Must(8).MustSay("is not the data directory of");

        File.Delete(Path.Combine(cluster.Directory["copy"], "postmaster.pid"));
        (await cluster.Host.RunAsync("backup", PitrHost.Service, "--method", "direct")).Must(8).MustSay("no server runs in");
        await cluster.ExecuteAsync("REVOKE EXECUTE ON FUNCTION pg_backup_stop FROM blind; GRANT pg_read_all_settings TO blind");
        (await cluster.Host.RunAsync("backup", PitrHost.Service, "--method", "direct")).Must(8).MustSay("may not begin a backup");
        var backup = await cluster.BackupAsync();
        Assert.Equal("stream", backup.GetProperty("method").GetString());
    }
}
