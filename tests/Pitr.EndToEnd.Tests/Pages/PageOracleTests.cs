using System.Globalization;
using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Pages;
using Pitr.Postgres.Sessions;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Pages;

/// <summary>
/// The page oracle: backups that copy changed pages only, of a cluster that is written all the time, each restored and brought to its own end; and beside it a backup
/// that copied everything, brought to the same position by its WAL alone. Every page of every relation must be the same. PITR_TEST_PAGE_ROUNDS says
/// how many; PITR_TEST_SEED repeats a run's choices. Servers that summarize their WAL do so, with rounds in between in which they do not.
/// </summary>
public sealed class PageOracleTests(ITestOutputHelper output)
{
    const int RoundsPerReference = 8;

    static readonly int[] WithoutChecksums = [16, 17];

    // Every third round is without summaries.
    const int RoundsPerGap = 3;

    // In a directory of this test's own, where it only names a socket.
    const int FirstFreePort = 6000;

    [Fact]
    public async Task Pages_that_are_not_copied_again_are_what_they_would_be()
    {
        var seed = TestEnvironment.Seed;
        output.WriteLine($"PITR_TEST_SEED={seed}");
        await RunAsync(PostgresBinaries.Find(15), TestEnvironment.PageRounds, new Random(seed), ["direct", "stream"], switchChecksums: true);
    }

    // Their servers come without pg_basebackup and pg_checksums.
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public Task And_so_with_other_versions(int version) =>
        RunAsync(PostgresVersionAttribute.Programs(version), Math.Max(version >= WalSummaries.FirstVersion ? RoundsPerGap : 2, TestEnvironment.PageRounds / 10), new Random(TestEnvironment.Seed), ["direct"], switchChecksums: false);

    async Task RunAsync(BinDirectory programs, int rounds, Random random, string[] methods, bool switchChecksums)
    {
        await using var cluster = await ProtectedCluster.CreateAsync(
            WalSegmentSize.From(1 << 20), programs: programs, dataChecksums: Array.IndexOf(WithoutChecksums, programs.MajorVersion) < 0);
        await SetAsync(cluster, "autovacuum", "off");
        var summarizing = programs.MajorVersion >= WalSummaries.FirstVersion;
        var (reference, reusing) = ("", 0);
        for (var round = 0; round < rounds; round++)
        {
            if (summarizing)
            {
                await SetAsync(cluster, "summarize_wal", IsGap(round) ? "off" : "on");
            }

            if (round % RoundsPerReference == 0)
            {
                reference = (await TakeAsync(cluster, random, "--full")).GetProperty("id").GetString()!;
            }

            if (switchChecksums && random.Next(10) == 0)
            {
                await SwitchChecksumsAsync(cluster);
            }

            var backup = await TakeAsync(cluster, random, "--method", methods[random.Next(methods.Length)]);
            reusing += backup.GetProperty("older-packs").GetArrayLength() > 0 ? 1 : 0;
            Assert.Equal(0, backup.GetProperty("damaged-pages").GetInt32());
            RequireChanges(backup, round, summarizing);
            await cluster.ArchiveEverythingAsync();
            await CompareAsync(cluster, backup, reference, round);
        }

        Assert.True(reusing > 0, "no backup used pages of another one");
    }

    static bool IsGap(int round) => round % RoundsPerGap == RoundsPerGap - 1;

    // Whether the round behind a gap finds summaries depends on what WAL the server still has when it begins again.
    static void RequireChanges(JsonElement backup, int round, bool summarizing)
    {
        if (!backup.TryGetProperty("changes", out var told))
        {
            // Behind pg_checksums nothing can be told.
            Assert.Contains("checksums", backup.GetProperty("full-copy-reason").GetString(), StringComparison.Ordinal);
            return;
        }

        var changes = told.GetString();
        if (!summarizing || IsGap(round))
        {
            Assert.Equal("lsn", changes);
        }
        else if (round == 0 || !IsGap(round - 1))
        {
            Assert.Equal("summaries", changes);
        }
    }

    static async Task SetAsync(ProtectedCluster cluster, string setting, string value)
    {
        await cluster.ExecuteAsync($"ALTER SYSTEM SET {setting} = {value}");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await Eventually.IsTrueAsync(async () => await cluster.ScalarAsync<string>($"SHOW {setting}") == value, () => $"{setting} is {value}");
    }

    static async Task<JsonElement> TakeAsync(ProtectedCluster cluster, Random random, params string[] arguments)
    {
        if (random.Next(3) == 0)
        {
            await RecreateDatabaseAsync(cluster);
        }

        await using var writers = new PageWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", random.Next(), 2);
        var enough = random.Next(10, 60);
        await Eventually.IsTrueAsync(() => Volatile.Read(ref writers.Statements) > enough, () => "the tables are written");
        return (await cluster.Host.RunAsync(["--output", "json", "backup", PitrHost.Service, .. arguments])).Must().Json;
    }

    // Not beside a backup: what a database is copied to before its record is written belongs to nobody. With file_copy, where there is a choice, its
    // pages are logged nowhere, and they keep their LSNs; the OID is the same every time.
    static async Task RecreateDatabaseAsync(ProtectedCluster cluster)
    {
        await cluster.ExecuteAsync("DROP DATABASE IF EXISTS copied");
        await cluster.ExecuteAsync($"CREATE DATABASE copied{(cluster.Cluster.BinDirectory.MajorVersion >= 15 ? " OID 50000 STRATEGY file_copy" : "")}");
    }

    // Rewrites every page and leaves its LSN alone.
    static async Task SwitchChecksumsAsync(ProtectedCluster cluster)
    {
        var on = await cluster.ScalarAsync<string>("SHOW data_checksums") == "on";
        await cluster.Cluster.StopAsync();
        (await ProgramRun.RunAsync(cluster.Cluster.BinDirectory.Program("pg_checksums"), [on ? "--disable" : "--enable", "-D", cluster.Cluster.DataDirectory])).Must();
        await cluster.Cluster.StartAsync();
    }

    async Task CompareAsync(ProtectedCluster cluster, JsonElement backup, string reference, int round)
    {
        var id = backup.GetProperty("id").GetString()!;
        var end = backup.GetProperty("stop-lsn").GetString()!;
        var restored = await RestoreAsync(cluster, id, end, string.Create(CultureInfo.InvariantCulture, $"i{round}"));
        var replayed = await RestoreAsync(cluster, reference, end, string.Create(CultureInfo.InvariantCulture, $"f{round}"));
        var (differences, pages) = ClusterPages.Compare(restored, replayed);
        differences = await WithoutOrphansAsync(cluster, restored, differences);
        output.WriteLine($"{round}: {id} by {backup.GetProperty("method")} and {(backup.TryGetProperty("changes", out var changes) ? changes.GetString() : "nothing")}, {backup.GetProperty("older-packs").GetArrayLength()} older packs, to {end}: {pages} pages");
        Assert.True(differences.Count == 0, $"PITR_TEST_SEED={TestEnvironment.Seed}, round {round}, backup {id} against {reference} at {end}:\n{string.Join('\n', differences.Take(20))}");
        Directory.Delete(restored, recursive: true);
        Directory.Delete(replayed, recursive: true);
    }

    // A transaction that drops a relation is committed before the server removes its file. A backup that begins in between takes the file, which nothing in its WAL removes
    // any more: so it is with pg_basebackup, too. It belongs to no relation, and only costs its space. Seen 82 ms behind the commit on a busy machine.
    async Task<IReadOnlyList<PageDifference>> WithoutOrphansAsync(ProtectedCluster cluster, string restored, IReadOnlyList<PageDifference> differences)
    {
        if (!differences.Any(difference => difference.OnlyFirst))
        {
            return differences;
        }

        await StartAsync(cluster, restored);
        var orphans = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in differences.Where(difference => difference.OnlyFirst).Select(difference => difference.Path).Distinct())
        {
            if (await IsOrphanAsync(cluster, path))
            {
                orphans.Add(path);
                output.WriteLine($"{path} belongs to no relation");
            }
        }

        await StopAsync(cluster, restored);
        return [.. differences.Where(difference => !difference.OnlyFirst || !orphans.Contains(difference.Path))];
    }

    static async Task<bool> IsOrphanAsync(ProtectedCluster cluster, string path)
    {
        Assert.True(RelationFileName.TryParse(path, out var name), path);
        var connection = $"Host={cluster.Cluster.SocketDirectory};Port={FirstFreePort};Username=postgres;Pooling=false;Database=";
        var database = name.Database == 0 ? "postgres" : await ScalarAsync<string>(connection + "postgres", $"SELECT datname FROM pg_database WHERE oid = {name.Database}");
        return await ScalarAsync<bool>(connection + database, $"SELECT pg_filenode_relation({name.Tablespace}, {name.Number}) IS NULL");
    }

    static async Task<T> ScalarAsync<T>(string connection, string sql)
    {
        await using var session = await PostgresSession.OpenAsync(connection);
        await using var command = new NpgsqlCommand(sql, session.Connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    // No session is opened there before the comparison: even reading prunes pages, and so changes them.
    static async Task<string> RestoreAsync(ProtectedCluster cluster, string backup, string end, string name)
    {
        var directory = cluster.Directory[name];
        (await cluster.Host.RunAsync("restore", PitrHost.Service, "--to", directory, "--backup", backup, "--target-lsn", end, "--exclusive")).Must();
        await StartAsync(cluster, directory);
        await StopAsync(cluster, directory);
        return directory;
    }

    static async Task StartAsync(ProtectedCluster cluster, string directory)
    {
        string[] options = ["hot_standby=off", "listen_addresses=", $"unix_socket_directories={cluster.Cluster.SocketDirectory}", $"port={FirstFreePort}", "fsync=off"];
        var started = await ProgramRun.RunAsync(
            cluster.Cluster.BinDirectory.Program("pg_ctl"), ["-D", directory, "-l", directory + ".log", "-w", "-o", string.Join(' ', options.Select(o => $"-c {o}")), "start"]);
        Assert.True(started.ExitCode == 0, $"{started.Errors}\n{Log()}");
        // Without hot_standby pg_ctl does not wait for the end of recovery.
        await Eventually.IsTrueAsync(() => Log().Contains("database system is ready to accept connections\n", StringComparison.Ordinal), () => $"recovery ends; {Log()}");

        string Log() => File.ReadAllText(directory + ".log");
    }

    static async Task StopAsync(ProtectedCluster cluster, string directory) =>
        (await ProgramRun.RunAsync(cluster.Cluster.BinDirectory.Program("pg_ctl"), ["-D", directory, "-m", "fast", "-w", "stop"])).Must();
}
