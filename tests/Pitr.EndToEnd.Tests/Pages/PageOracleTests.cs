using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Pages;

/// <summary>
/// The page oracle: backups that copy changed pages only, of a cluster that is written all the time, each restored and brought to its own end; and beside it a backup
/// that copied everything, brought to the same position by its WAL alone. Every page of every relation must be the same. PITR_TEST_PAGE_ROUNDS says
/// how many; PITR_TEST_SEED repeats a run's choices.
/// </summary>
public sealed class PageOracleTests(ITestOutputHelper output)
{
    const int RoundsPerReference = 8;

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
        RunAsync(PostgresVersionAttribute.Programs(version), Math.Max(2, TestEnvironment.PageRounds / 10), new Random(TestEnvironment.Seed), ["direct"], switchChecksums: false);

    async Task RunAsync(BinDirectory programs, int rounds, Random random, string[] methods, bool switchChecksums)
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), programs: programs);
        await cluster.ExecuteAsync("ALTER SYSTEM SET autovacuum = off");
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        var reference = "";
        var reusing = 0;
        for (var round = 0; round < rounds; round++)
        {
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
            await cluster.ArchiveEverythingAsync();
            await CompareAsync(cluster, backup, reference, round);
        }

        Assert.True(reusing > 0, "no backup used pages of another one");
    }

    static async Task<JsonElement> TakeAsync(ProtectedCluster cluster, Random random, params string[] arguments)
    {
        await using var writers = new PageWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", random.Next(), 2);
        var enough = random.Next(10, 60);
        await Eventually.IsTrueAsync(() => Volatile.Read(ref writers.Statements) > enough, () => "the tables are written");
        return (await cluster.Host.RunAsync(["--output", "json", "backup", PitrHost.Service, .. arguments])).Must().Json;
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
        output.WriteLine($"{round}: {id} by {backup.GetProperty("method")}, {backup.GetProperty("older-packs").GetArrayLength()} older packs, to {end}: {pages} pages");
        Assert.True(differences.Count == 0, $"PITR_TEST_SEED={TestEnvironment.Seed}, round {round}, backup {id} against {reference} at {end}:\n{string.Join('\n', differences.Take(20))}");
        Directory.Delete(restored, recursive: true);
        Directory.Delete(replayed, recursive: true);
    }

    // No session is ever opened there: even reading prunes pages, and so changes them.
    static async Task<string> RestoreAsync(ProtectedCluster cluster, string backup, string end, string name)
    {
        var directory = cluster.Directory[name];
        (await cluster.Host.RunAsync("restore", PitrHost.Service, "--to", directory, "--backup", backup, "--target-lsn", end, "--exclusive")).Must();
        var control = cluster.Cluster.BinDirectory.Program("pg_ctl");
        string[] options = ["hot_standby=off", "listen_addresses=", $"unix_socket_directories={cluster.Cluster.SocketDirectory}", $"port={FirstFreePort}", "fsync=off"];
        var started = await ProgramRun.RunAsync(control, ["-D", directory, "-l", directory + ".log", "-w", "-o", string.Join(' ', options.Select(o => $"-c {o}")), "start"]);
        Assert.True(started.ExitCode == 0, $"{started.Errors}\n{Log()}");
        // Without hot_standby pg_ctl does not wait for the end of recovery.
        await Eventually.IsTrueAsync(() => Log().Contains("database system is ready to accept connections\n", StringComparison.Ordinal), () => $"recovery ends; {Log()}");
        (await ProgramRun.RunAsync(control, ["-D", directory, "-m", "fast", "-w", "stop"])).Must();
        return directory;

        string Log() => File.ReadAllText(directory + ".log");
    }
}
