using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;

namespace Pitr.EndToEnd.Tests;

/// <summary>A drill on the host of the original: a cluster whose settings, roles and databases reach out of it in every way there is, and nothing of it acts in the copy.</summary>
public sealed class DrillIsolationTests
{
    // What has a process in a cluster that only answers questions.
    const string Processes = "SELECT string_agg(DISTINCT backend_type, ', ' ORDER BY backend_type) FROM pg_stat_activity WHERE backend_type NOT LIKE 'io worker'";
    const string OnlyItself = "background writer, checkpointer, client backend, walwriter";
    const string Reaching =
        "SELECT concat(current_setting('shared_preload_libraries'), current_setting('session_preload_libraries'), current_setting('local_preload_libraries'), current_setting('external_pid_file'),"
        + " current_setting('listen_addresses'), current_setting('primary_conninfo'), current_setting('archive_cleanup_command'), current_setting('recovery_end_command'))";

    [Fact]
    public async Task Nothing_of_the_original_acts_in_the_copy()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(settings: [("wal_level", "logical")]);
        var (pidFile, marker) = (cluster.Directory["live.pid"], cluster.Directory["marker"]);
        await MakeHostileAsync(cluster, pidFile, marker);
        await cluster.Cluster.StopAsync();
        await cluster.Cluster.StartAsync();
        var running = await File.ReadAllTextAsync(pidFile);
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("CREATE TABLE later AS SELECT 1 AS id");
        await cluster.ArchiveEverythingAsync();

        AddChecks(
            cluster.Host,
            ("processes", "postgres", Processes, OnlyItself),
            ("reaching", "postgres", Reaching, "="),
            ("reaching-hostile", "hostile", Reaching, "="),
            ("slots", "postgres", "SELECT active_pid FROM pg_replication_slots UNION ALL SELECT pid FROM pg_stat_subscription WHERE pid IS NOT NULL", "rows = 0"),
            ("archiving", "postgres", "SHOW archive_mode", "off"),
            ("memory", "postgres", "SHOW shared_buffers", "128MB"),
            ("limit", "hostile", "SHOW statement_timeout", "0"));
        var report = (await cluster.Host.RunAsync("--output", "json", "drill", "main")).Must().Json;

        Assert.All(report.GetProperty("checks").EnumerateArray(), check => Assert.True(check.GetProperty("passed").GetBoolean(), check.ToString()));
        Assert.Contains(report.GetProperty("row-counts").GetProperty("largest").EnumerateArray(), table => table.GetProperty("table").GetString() == "public.parent");
        Assert.Equal(running, await File.ReadAllTextAsync(pidFile));
        Assert.False(File.Exists(marker), "a command of the original ran in the copy");
        Assert.Empty(Directory.EnumerateFileSystemEntries(cluster.Host.PathOf("services/main/wal"), "00000002*"));
        Assert.Equal("archived", await cluster.ScalarAsync<string>("SELECT 'archived' FROM pg_stat_archiver WHERE failed_count = 0"));
    }

    [Fact]
    public async Task A_tablespace_that_was_made_after_the_backup_is_not_written_into()
    {
        // Nothing but a drill may write into the tablespace while it is watched.
        await using var cluster = await ProtectedCluster.CreateAsync(settings: [("autovacuum", "off")]);
        await cluster.BackupAsync();
        var place = cluster.Directory.New("space");
        await cluster.ExecuteAsync($"CREATE TABLESPACE space LOCATION '{place}'");
        await cluster.ExecuteAsync("CREATE TABLE spacious TABLESPACE space AS SELECT 'x' FROM generate_series(1, 1000)");
        await cluster.ExecuteAsync("CHECKPOINT");
        await cluster.ArchiveEverythingAsync();
        var before = TreeState.Of(place);

        var refused = (await cluster.Host.RunAsync("--output", "json", "drill", "main")).Must(9).Json;
        Assert.Contains($"makes a tablespace in {place}", Assert.Single(refused.GetProperty("failures").EnumerateArray()).GetString(), StringComparison.Ordinal);
        Assert.Equal(before, TreeState.Of(place));

        await cluster.BackupAsync();
        await cluster.ExecuteAsync("INSERT INTO spacious SELECT 'y' FROM generate_series(1, 1000); CHECKPOINT");
        await cluster.ArchiveEverythingAsync();
        before = TreeState.Of(place);
        var drilled = (await cluster.Host.RunAsync("--output", "json", "drill", "main")).Must().Json;
        Assert.Equal(2000, Assert.Single(drilled.GetProperty("row-counts").GetProperty("largest").EnumerateArray()).GetProperty("rows").GetInt32());
        Assert.Equal(before, TreeState.Of(place));
    }

    // Everything in here is copied with the cluster: postgresql.auto.conf, settings of databases and roles, a subscription, a table with a child that lies elsewhere.
    static async Task MakeHostileAsync(ProtectedCluster cluster, string pidFile, string marker)
    {
        foreach (var (name, value) in new[]
        {
            ("shared_preload_libraries", "pg_prewarm"), ("external_pid_file", pidFile), ("shared_buffers", "160MB"),
            ("archive_cleanup_command", $"touch {marker}"), ("recovery_end_command", $"touch {marker}"),
        })
        {
            await cluster.ExecuteAsync($"ALTER SYSTEM SET {name} = '{value}'");
        }

        await cluster.ExecuteAsync("CREATE DATABASE hostile");
        await cluster.ExecuteAsync("SELECT pg_create_logical_replication_slot('follower', 'pgoutput')");
        await cluster.ExecuteAsync("CREATE PUBLICATION everything FOR ALL TABLES");
        await using (var session = await Pitr.Postgres.Sessions.PostgresSession.OpenAsync(cluster.Cluster.ConnectionString("hostile") + ";Pooling=false"))
        {
            await session.ExecuteAsync($"CREATE SUBSCRIPTION follower CONNECTION 'host={cluster.Cluster.SocketDirectory} port={cluster.Cluster.Server.Port} dbname=postgres user=postgres' PUBLICATION everything WITH (connect = false, slot_name = 'follower')");
            await session.ExecuteAsync("ALTER SUBSCRIPTION follower ENABLE");
            await session.ExecuteAsync("CREATE EXTENSION postgres_fdw; CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere'); CREATE USER MAPPING FOR postgres SERVER nowhere");
            await session.ExecuteAsync("CREATE TABLE parent AS SELECT i FROM generate_series(1, 200000) i; CREATE FOREIGN TABLE child () INHERITS (parent) SERVER nowhere");
        }

        await cluster.ExecuteAsync("ALTER DATABASE hostile SET session_preload_libraries = 'auto_explain'");
        await cluster.ExecuteAsync("ALTER DATABASE hostile SET statement_timeout = '1ms'");
        await cluster.ExecuteAsync("ALTER DATABASE hostile SET default_transaction_read_only = on");
    }

    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task The_copy_is_alone_on_every_version(int version)
    {
        await using var cluster = await ProtectedCluster.CreateAsync(programs: PostgresVersionAttribute.Programs(version));
        if (version >= 17)
        {
            await cluster.ExecuteAsync("CREATE TABLE logins (at timestamptz)");
            await cluster.ExecuteAsync("CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO logins VALUES (now()); END $$");
            await cluster.ExecuteAsync("ALTER DATABASE postgres SET event_triggers = on");
        }

        await cluster.BackupAsync();
        if (version >= 17)
        {
            await cluster.ExecuteAsync("CREATE EVENT TRIGGER noted ON login EXECUTE FUNCTION noted(); ALTER EVENT TRIGGER noted ENABLE ALWAYS");
        }

        await cluster.ArchiveEverythingAsync();
        var before = version < 17 ? 0 : await cluster.ScalarAsync<long>("SELECT count(*) - 1 FROM logins");
        AddChecks(cluster.Host, ("processes", "postgres", Processes, OnlyItself), ("logins", "postgres", version < 17 ? "SELECT 0" : "SELECT count(*) FROM logins", $"<= {before}"));

        // These versions come without pg_amcheck and pg_checksums here.
        var report = (await cluster.Host.RunAsync("--output", "json", "drill", "main")).Must(9).Json;
        Assert.Equal(["pg_amcheck", "page checksums"], report.GetProperty("checks").EnumerateArray().Where(c => !c.GetProperty("passed").GetBoolean()).Select(c => c.GetProperty("name").GetString()));
        Assert.Contains($"PostgreSQL {version}", report.GetProperty("checks")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    static void AddChecks(PitrHost host, params (string Name, string Database, string Sql, string Expect)[] checks) => File.AppendAllText(
        host.ConfigurationFile,
        "\n    drill:\n      checks:\n" + string.Concat(checks.Select(check =>
            $"        {check.Name}: {{ database: {check.Database}, sql: {JsonSerializer.Serialize(check.Sql)}, expect: {JsonSerializer.Serialize(check.Expect)} }}\n")));
}
