using System.Diagnostics;
using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// kill -9 at random moments: the repository stays whole, what was acknowledged stays, the next run succeeds. One cluster with small
/// segments, so that many are archived; PITR_TEST_SEED repeats a run's choices.
/// </summary>
public sealed class CrashTests(CrashTests.CrashCluster fixture, ITestOutputHelper output) : IClassFixture<CrashTests.CrashCluster>, IAsyncLifetime
{
    const int Rounds = 4;
    const string Content = "SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM bulk t";

    readonly Random _random = new(TestEnvironment.Seed);

    ProtectedCluster Cluster => fixture.Cluster;

    PitrHost Host => Cluster.Host;

    public async Task InitializeAsync() => Cluster.Agent ??= await Host.StartAgentAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Killing_the_agent_or_a_push_loses_nothing_that_was_acknowledged()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(stop.Token);
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                await MoreIsArchivedAsync(5);
                await Task.Delay(_random.Next(100));
                await fixture.KillAgentAsync();

                // Without an agent pitr-archive does the work through pitr.
                await MoreIsArchivedAsync(2);
                RequireAcknowledgedIsStored();
                Cluster.Agent = await Host.StartAgentAsync();
            }

            // That one is killed too. Once only: PostgreSQL then starts its archiver anew, which takes it ten seconds.
            await fixture.KillAgentAsync();
            await Eventually.IsTrueAsync(() => Pushes().Count > 0, () => "a push runs");
            await Task.Delay(_random.Next(100));
            foreach (var push in Pushes())
            {
                Processes.Kill(push);
            }

            RequireAcknowledgedIsStored();
            Cluster.Agent = await Host.StartAgentAsync();
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }

        await ArchiveEverythingAsync();
        RequireAcknowledgedIsStored();
        using var contents = new RepositoryContents(Host.Repository, Host.IdentityFile);
        contents.OpenEverything();
        var list = (await Host.RunAsync("--output", "json", "wal", "list")).Must().Json;
        Assert.Empty(list.GetProperty("timelines")[0].GetProperty("gaps").EnumerateArray());
    }

    [Fact]
    public async Task Killing_backups_leaves_no_half_backup_and_the_next_one_succeeds()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        var watch = Stopwatch.StartNew();
        var id = (await Cluster.BackupAsync()).GetProperty("id").GetString()!;
        var takes = watch.Elapsed;
        var complete = new HashSet<string>(Backups()) { id };
        for (var round = 0; round < Rounds; round++)
        {
            using (var backup = Host.Start("--output", "json", "backup", PitrHost.Service))
            {
                await Task.Delay(takes * (0.1 + (_random.NextDouble() * 0.8)));
                await backup.KillAsync();
            }

            using (var contents = new RepositoryContents(Host.Repository, Host.IdentityFile))
            {
                contents.OpenEverything();
            }

            // One that was killed after its end is a backup; it was checked like the others.
            complete.UnionWith(Backups());
            Assert.Equal(complete.Count, (await Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0].GetProperty("backups").GetArrayLength());
        }

        var next = (await Cluster.BackupAsync()).GetProperty("id").GetString()!;
        await Eventually.IsTrueAsync(() => Processes.FindBaseBackups(Cluster.Cluster.SocketDirectory).Count == 0, () => "no pg_basebackup is left behind");
        await Eventually.IsTrueAsync(
            async () => await Cluster.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'") == 0, () => "no backup is left running in the server");

        await using var restored = await Cluster.RestoreAsync("after-backups", "--backup", next);
        Assert.Equal(await Cluster.ScalarAsync<string>(Content), await restored.ScalarAsync<string>(Content));
    }

    [Fact]
    public async Task A_second_backup_is_told_that_one_runs()
    {
        using var first = Host.Start("backup", PitrHost.Service, "--method", "stream", "--full", "--limit", "15MB/s");
        await BackupRunsAsync(first);
        (await ProgramRun.RunAsync("/bin/kill", ["-STOP", first.ProcessId.ToString(CultureInfo.InvariantCulture)])).Must();
        (await Host.RunAsync("backup", PitrHost.Service)).Must(11).MustSay("HINT:");
        (await ProgramRun.RunAsync("/bin/kill", ["-CONT", first.ProcessId.ToString(CultureInfo.InvariantCulture)])).Must();
        (await first.EndAsync(TimeSpan.FromMinutes(2))).Must();
        Assert.False(File.Exists(Lease));
    }

    [Fact]
    public async Task A_backup_that_is_told_to_stop_gives_everything_back()
    {
        var before = Backups().ToArray();
        using (var backup = Host.Start("backup", PitrHost.Service, "--method", "stream", "--full", "--limit", "15MB/s"))
        {
            await BackupRunsAsync(backup);
            (await ProgramRun.RunAsync("/bin/kill", ["-INT", backup.ProcessId.ToString(CultureInfo.InvariantCulture)])).Must();
            (await backup.EndAsync(TimeSpan.FromMinutes(2))).Must(130);
            Assert.False(File.Exists(Lease));
        }

        Assert.Equal(before, Backups());
    }

    [Theory]
    [InlineData("stream", 10, "Permission denied")]
    [InlineData("direct", 1, "cannot be read")]
    public async Task A_file_that_cannot_be_read_ends_the_backup(string method, int exitCode, string said)
    {
        await Cluster.ExecuteAsync("DROP TABLE IF EXISTS unreadable; CREATE TABLE unreadable AS SELECT 1; CHECKPOINT");
        var name = await Cluster.ScalarAsync<string>("SELECT pg_relation_filepath('unreadable')");
        var path = Path.Combine(Cluster.Cluster.DataDirectory, name);
        var before = Backups().ToArray();
        File.SetUnixFileMode(path, UnixFileMode.None);
        try
        {
            (await Host.RunAsync("backup", PitrHost.Service, "--method", method)).Must(exitCode).MustSay(name, said);
            Assert.Equal(before, Backups());
        }
        finally
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await Cluster.ExecuteAsync("DROP TABLE unreadable");
        }
    }

    [Fact]
    public async Task A_repository_that_goes_away_takes_no_acknowledgement_with_it()
    {
        await ArchiveEverythingAsync();
        var away = Cluster.Directory["away"];
        Directory.Move(Host.Repository, away);
        var before = Directory.EnumerateFiles(away, "*", SearchOption.AllDirectories).Count();
        string segment;
        try
        {
            var failed = await Cluster.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver");
            await using (var session = await Cluster.OpenAsync())
            {
                segment = (await session.SwitchWalAsync()).ToString();
            }

            await Eventually.IsTrueAsync(async () => await Cluster.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver") > failed, () => $"the archiver is refused; {Cluster.Log()}");
            Assert.True(File.Exists(Path.Combine(Cluster.PgWal, "archive_status", segment + ".ready")));
            Assert.False(Directory.Exists(Host.Repository) && Directory.EnumerateFiles(Host.Repository, "*", SearchOption.AllDirectories).Any());
            Assert.Equal(before, Directory.EnumerateFiles(away, "*", SearchOption.AllDirectories).Count());
        }
        finally
        {
            if (Directory.Exists(Host.Repository))
            {
                Directory.Delete(Host.Repository, recursive: true);
            }

            Directory.Move(away, Host.Repository);
        }

        await ArchiveEverythingAsync();
        Assert.True(File.Exists(Host.WalPath(segment)));
        RequireAcknowledgedIsStored();
    }

    string Lease => Host.PathOf("services/main/locks/backup.json");

    Task BackupRunsAsync(RunningProgram backup) =>
        Eventually.IsTrueAsync(() => Processes.FindBaseBackups(Cluster.Cluster.SocketDirectory).Count > 0 || backup.HasExited, () => "the backup copies");

    IReadOnlyList<int> Pushes() => Processes.Find("pitr --config", "wal push", Host.ConfigurationFile);

    IEnumerable<string> Backups() => Directory.EnumerateFiles(Host.PathOf("services/main/backups"), "backup.json", SearchOption.AllDirectories)
        .Select(path => Path.GetFileName(Path.GetDirectoryName(path)!)).Order(StringComparer.Ordinal);

    // After three refusals in a row PostgreSQL asks again only after a minute, or when the next segment is complete; and when its archiver
    // has ended, it looks for that only once a minute, or when its configuration is read again.
    async Task ArchiveEverythingAsync()
    {
        var last = "";
        await Eventually.IsTrueAsync(
            async () =>
            {
                await using var session = await Cluster.OpenAsync();
                await session.ReloadAsync();
                if (last.Length == 0 || !File.Exists(Path.Combine(Cluster.PgWal, "archive_status", last + ".done")))
                {
                    var next = (await session.SwitchWalAsync()).ToString();
                    last = last.Length == 0 ? next : last;
                    await Task.Delay(200);
                }

                return !Waiting().Any();
            },
            () => $"everything is archived; {Cluster.Log()}");
    }

    async Task WriteAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // Faster than one push at a time, and never far ahead of it.
            await Eventually.IsTrueAsync(() => stop.IsCancellationRequested || Waiting().Count() < 6, () => $"segments are archived; {Cluster.Log()}");
            await Cluster.ExecuteAsync("SELECT pg_logical_emit_message(false, 'load', repeat(md5(random()::text), 8000)); SELECT pg_switch_wal()");
        }
    }

    async Task MoreIsArchivedAsync(int segments)
    {
        var enough = Acknowledged().Count + segments;
        await Eventually.IsTrueAsync(() => Acknowledged().Count >= enough, () => $"more segments are archived; {Cluster.Log()}");
    }

    IEnumerable<string> Waiting() => Directory.EnumerateFiles(Path.Combine(Cluster.PgWal, "archive_status"), "*.ready");

    List<string> Acknowledged() => Directory.EnumerateFiles(Path.Combine(Cluster.PgWal, "archive_status"), "*.done").Select(path => Path.GetFileNameWithoutExtension(path)).ToList();

    // PostgreSQL keeps what it has archived here, so that each can be compared.
    void RequireAcknowledgedIsStored()
    {
        var acknowledged = Acknowledged();
        using var contents = new RepositoryContents(Host.Repository, Host.IdentityFile);
        foreach (var name in acknowledged)
        {
            var key = Path.GetRelativePath(Host.Repository, Host.WalPath(name));
            Assert.True(contents.Keys.Contains(key), $"{name} was acknowledged and is not stored");
            var live = Path.Combine(Cluster.PgWal, name);
            if (File.Exists(live))
            {
                Assert.True(contents.Open(key).AsSpan().SequenceEqual(File.ReadAllBytes(live)), $"{name} is stored with other content");
            }
        }

        Assert.NotEmpty(acknowledged);
    }

    /// <summary>The cluster of these tests: some bulk, so that killing hits the middle, and all WAL kept.</summary>
    public sealed class CrashCluster : IAsyncLifetime
    {
        ProtectedCluster? _cluster;

        internal ProtectedCluster Cluster => _cluster!;

        public async Task InitializeAsync()
        {
            _cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("wal_keep_size", "4GB"), ("max_wal_size", "4GB"), ("autovacuum", "off"), ("full_page_writes", "on")]);
            await Cluster.ExecuteAsync("CREATE TABLE bulk AS SELECT i, md5(i::text) AS a, md5((i + 1)::text) AS b FROM generate_series(1, 400000) i");
            await Cluster.ArchiveEverythingAsync();
            await Cluster.BackupAsync();
        }

        internal async Task KillAgentAsync()
        {
            await Cluster.Agent!.KillAsync();
            Cluster.Agent.Dispose();
            Cluster.Agent = null;
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
