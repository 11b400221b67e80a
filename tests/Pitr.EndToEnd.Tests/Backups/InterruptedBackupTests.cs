using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Pages;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>
/// Backups that are interrupted in one way or another, those that go on from them, and one whose files go away meanwhile. PITR_TEST_BACKUP_KILLS says in how many rounds; PITR_TEST_SEED repeats a run's choices.
/// </summary>
public sealed class InterruptedBackupTests(InterruptedBackupTests.BulkCluster fixture, ITestOutputHelper output) : IClassFixture<InterruptedBackupTests.BulkCluster>
{
    // Slow enough to be met in the middle.
    static readonly string[] Slowly = ["--limit", "30MB/s"];

    readonly Random _random = new(TestEnvironment.Seed);
    readonly string _begun = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff+00", CultureInfo.InvariantCulture);

    ProtectedCluster Cluster => fixture.Cluster;

    PitrHost Host => Cluster.Host;

    [Fact]
    public async Task Killed_at_random_moments_backups_are_gone_on_from_and_every_page_comes_back()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        var resumed = 0;
        for (var round = 0; round < TestEnvironment.BackupKills; round++)
        {
            await using (new PageWriters(Cluster.Cluster.ConnectionString() + ";Pooling=false", _random.Next(), 1))
            {
                await KillAsync("--full");
                if (_random.Next(2) == 0)
                {
                    await KillAsync();
                }
            }

            await NothingIsLeftRunningAsync();
            await Cluster.ExecuteAsync("CHECKPOINT");
            var backup = await TakeAsync("--method", Method());
            resumed += backup.GetProperty("resumed").GetArrayLength();
            await CompareAsync(backup, round);
            Assert.Empty(Journals());
        }

        Assert.True(resumed > 0, "no backup went on from another one");
        await Cluster.ArchiveEverythingAsync();
        await using var restored = await Cluster.RestoreAsync("started");
        const string content = "SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM bulk t";
        Assert.Equal(await Cluster.ScalarAsync<string>(content), await restored.ScalarAsync<string>(content));
    }

    [Fact]
    public async Task What_was_told_to_stop_is_gone_on_from_unless_everything_is_asked_for()
    {
        await InterruptAsync("direct", async backup =>
        {
            (await ProgramRun.RunAsync("/bin/kill", ["-TERM", backup.ProcessId.ToString(CultureInfo.InvariantCulture)])).Must();
            var ended = await backup.EndAsync(TimeSpan.FromMinutes(2));
            Assert.NotEqual(0, ended.ExitCode);
        });
        var left = Path.GetFileNameWithoutExtension(Assert.Single(Journals()));

        // Whichever way the files are read.
        var next = (await Host.RunAsync("backup", PitrHost.Service, "--method", "stream")).Must().MustSay("going on from the backup interrupted at ", " are stored already");

        Assert.Contains($"were stored already by {left}, interrupted", next.Output, StringComparison.Ordinal);
        Assert.Empty(Journals());
        await NothingIsLeftRunningAsync();

        Assert.Empty(await UnfinishedAsync());
        await InterruptAsync("stream", async backup =>
        {
            var running = Assert.Single(await UnfinishedAsync());
            Assert.Equal(("running", backup.ProcessId), (running.GetProperty("state").GetString(), running.GetProperty("beginning").GetProperty("process").GetProperty("id").GetInt32()));
            await backup.KillAsync();
        });
        var killed = Assert.Single(await UnfinishedAsync("--failed"));
        Assert.Equal("gone", killed.GetProperty("state").GetString());
        Assert.Equal(Environment.UserName, killed.GetProperty("beginning").GetProperty("user").GetString());
        Assert.Contains("never ended", (await Host.RunAsync("audit", PitrHost.Service)).Must().Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        var full = (await Host.RunAsync("backup", PitrHost.Service, "--full")).Must();
        Assert.DoesNotContain("going on", full.Errors, StringComparison.Ordinal);
        Assert.Contains("every page was copied: it was asked for", full.Output, StringComparison.Ordinal);
        Assert.Empty(Journals());
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("stream")]
    public async Task When_the_server_ends_the_backup_says_so_and_the_next_one_goes_on(string method)
    {
        try
        {
            await InterruptAsync(method, async backup =>
            {
                await Cluster.Cluster.StopAsync(ServerStopMode.Immediate);
                var ended = await backup.EndAsync(TimeSpan.FromMinutes(2));
                output.WriteLine(ended.Errors);
                ended.Must(10).MustSay("take the backup again: it goes on");
            });
        }
        finally
        {
            await Cluster.Cluster.StartAsync();
        }

        await Cluster.ExecuteAsync("CHECKPOINT");

        var backup = await TakeAsync("--method", method);

        Assert.NotEmpty(backup.GetProperty("resumed").EnumerateArray());
        await CompareAsync(backup, 0);
    }

    [Fact]
    public async Task Files_that_are_cut_off_or_go_away_while_a_backup_reads_stop_nobody()
    {
        const int tables = 12;
        await EachTableAsync("CREATE TABLE {0}_{1} AS SELECT i, repeat(md5(i::text), 8) v FROM generate_series(1, 2000) i");
        await Cluster.ExecuteAsync("CHECKPOINT");
        using (var backup = Host.Start("backup", PitrHost.Service, "--method", "direct", "--full", "--limit", "15MB/s"))
        {
            var enough = Packs() + 2;
            await Eventually.IsTrueAsync(() => Packs() >= enough || backup.HasExited, () => "packs are stored");
            await Cluster.ExecuteAsync(string.Join(';', Enumerable.Range(0, tables).Select(n => $"TRUNCATE cut_{n}; INSERT INTO cut_{n} VALUES ({n}, 'new'); DROP TABLE dropped_{n}; DELETE FROM shorter_{n} WHERE i > 100")));
            // Only now are the files removed and cut off.
            await EachTableAsync("VACUUM {0}_{1}", "shorter");
            await Cluster.ExecuteAsync("CHECKPOINT");
            Assert.False(backup.HasExited, "the backup was too fast");
            (await backup.EndAsync(TimeSpan.FromMinutes(2))).Must();
        }

        await Cluster.ArchiveEverythingAsync();
        await using var restored = await Cluster.RestoreAsync("moved");
        var rows = string.Join(" || ' ' || ", Enumerable.Range(0, tables).Select(n => $"(SELECT count(*) FROM cut_{n}) || ' ' || (SELECT sum(i) FROM shorter_{n})"));
        Assert.Equal(string.Join(' ', Enumerable.Repeat("1 5050", tables)), await restored.ScalarAsync<string>($"SELECT {rows}"));
        Assert.Equal(0, await restored.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname LIKE 'dropped%'"));
        await EachTableAsync("DROP TABLE {0}_{1}", "cut", "shorter");

        async Task EachTableAsync(string statement, params string[] kinds)
        {
            foreach (var kind in kinds.Length > 0 ? kinds : ["cut", "dropped", "shorter"])
            {
                for (var n = 0; n < tables; n++)
                {
                    await Cluster.ExecuteAsync(string.Format(CultureInfo.InvariantCulture, statement, kind, n));
                }
            }
        }
    }

    // Lets it store some packs, whatever is stored already.
    async Task InterruptAsync(string method, Func<RunningProgram, Task> interrupt)
    {
        using var backup = Host.Start(["backup", PitrHost.Service, "--method", method, "--full", .. Slowly]);
        var enough = Packs() + 4;
        await Eventually.IsTrueAsync(() => Packs() >= enough || backup.HasExited, () => "packs are stored");
        Assert.False(backup.HasExited, "the backup was too fast");
        await interrupt(backup);
    }

    async Task KillAsync(params string[] arguments)
    {
        using var backup = Host.Start(["backup", PitrHost.Service, "--method", Method(), .. Slowly, .. arguments]);
        var enough = Packs() + _random.Next(10);
        await Eventually.IsTrueAsync(() => Packs() >= enough || backup.HasExited, () => "packs are stored");
        await Task.Delay(_random.Next(200));
        await backup.KillAsync();
    }

    // Of this test: others of the class kill backups, too.
    async Task<JsonElement[]> UnfinishedAsync(params string[] more) =>
    [
        .. (await Host.RunAsync(["--output", "json", "audit", PitrHost.Service, "--action", "backup", "--since", _begun, .. more])).Must().Json.GetProperty("unfinished").EnumerateArray(),
    ];

    string Method() => _random.Next(2) == 0 ? "direct" : "stream";

    async Task<JsonElement> TakeAsync(params string[] arguments) => (await Host.RunAsync(["--output", "json", "backup", PitrHost.Service, .. arguments])).Must().Json;

    // A session's end is the end of its backup mode.
    async Task NothingIsLeftRunningAsync()
    {
        await Eventually.IsTrueAsync(() => Processes.FindBaseBackups(Cluster.Cluster.SocketDirectory).Count == 0, () => "no pg_basebackup is left behind");
        await Eventually.IsTrueAsync(
            async () => await Cluster.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (backend_type = 'walsender' OR query LIKE '%backup_st%')") == 0,
            () => "no backup is left running in the server");
        Assert.False(File.Exists(Path.Combine(Cluster.Cluster.DataDirectory, "backup_label")));
    }

    // Nothing was written since the checkpoint before it, so its files are the server's.
    async Task CompareAsync(JsonElement backup, int round)
    {
        var directory = Cluster.Directory[$"restored-{round}"];
        (await Host.RunAsync("restore", PitrHost.Service, "--to", directory, "--target", "immediate", "--backup", backup.GetProperty("id").GetString()!)).Must();
        var (differences, pages) = ClusterPages.Compare(directory, Cluster.Cluster.DataDirectory, Lsn.Parse(backup.GetProperty("start-lsn").GetString()!));
        output.WriteLine($"{round}: {backup.GetProperty("id")} by {backup.GetProperty("method")}, resumed {backup.GetProperty("resumed")}, {pages} pages");
        Assert.True(differences.Count == 0, $"PITR_TEST_SEED={TestEnvironment.Seed}, round {round}:\n{string.Join('\n', differences.Take(20))}");
        Assert.True(pages > 4000, $"only {pages} pages");
        Directory.Delete(directory, recursive: true);
    }

    int Packs() => Directory.Exists(Host.PathOf("services/main/packs")) ? Directory.EnumerateFiles(Host.PathOf("services/main/packs"), "0*", SearchOption.AllDirectories).Count() : 0;

    string[] Journals() => Directory.Exists(JournalDirectory) ? Directory.GetFiles(JournalDirectory) : [];

    string JournalDirectory => Path.Combine(Host.StateDirectory, "services/main/interrupted");

    /// <summary>The cluster of these tests: some tens of megabytes that hardly compress, in packs of one.</summary>
    public sealed class BulkCluster : IAsyncLifetime
    {
        ProtectedCluster? _cluster;

        internal ProtectedCluster Cluster => _cluster!;

        public async Task InitializeAsync()
        {
            _cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("max_wal_size", "4GB"), ("autovacuum", "off"), ("wal_level", "replica")]);
            Cluster.Host.Environment["PITR_SERVICES__MAIN__BACKUP__PACK_SIZE"] = "1MiB";
            await FillAsync(Cluster);
        }

        /// <summary>Makes the table <c>bulk</c>.</summary>
        internal static async Task FillAsync(ProtectedCluster cluster)
        {
            await cluster.ExecuteAsync("CREATE TABLE bulk AS SELECT i, (SELECT string_agg(md5(random()::text || j), '') FROM generate_series(1, 50) j WHERE i > 0) v FROM generate_series(1, 24000) i");
            await cluster.ArchiveEverythingAsync();
        }

        public async Task DisposeAsync()
        {
            if (_cluster is not null)
            {
                await _cluster.DisposeAsync();
            }
        }
    }
}
