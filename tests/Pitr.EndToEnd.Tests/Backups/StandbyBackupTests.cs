using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Pages;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Pages;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>Backups that read the files of a standby, which pitr has made and which archives (archive_mode = always); and what becomes of them when it is promoted.</summary>
public sealed class StandbyBackupTests(ITestOutputHelper output) : IAsyncLifetime
{
    const int PageSize = 8192;
    const string Standing = "SELECT pg_create_restore_point('stood still')";

    readonly TestDirectory _directory = new();
    ProtectedCluster? _primary;
    PitrHost? _host;
    PostgresServer? _standby;

    ProtectedCluster Primary => _primary!;

    // The standby's, with the same repository.
    PitrHost Host => _host!;

    string Data => _directory["standby"];

    string Log => File.ReadAllText(_directory["standby.log"]);

    public Task InitializeAsync() => Task.CompletedTask;

    async Task StartAsync(BinDirectory? programs, params (string Name, string Value)[] settings)
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        _primary = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), programs: programs, settings: settings);
        await Primary.ExecuteAsync("CREATE TABLE kept AS SELECT i, repeat(md5(i::text), 10) v FROM generate_series(1, 20000) i; CREATE INDEX ON kept (i)");
        await Primary.BackupAsync();
        var address = new NpgsqlConnectionStringBuilder(Primary.Cluster.ConnectionString());
        (await Primary.Host.RunAsync(
            "restore", PitrHost.Service, "--to", Data, "--standby", "--primary-conninfo", $"host={address.Host} port={address.Port} user={address.Username}", "--archive-mode", "keep")).Must();
        _host = new PitrHost(_directory.New("host"), Primary.Host.Repository);
        foreach (var file in new[] { "identity.pem", "recipient.pem" })
        {
            File.Copy(Path.Combine(Primary.Host.Directory, file), Path.Combine(Host.Directory, file));
        }

        Host.WriteConfiguration();
        _standby = PostgresServer.Start(new PostgresServerOptions
        {
            DataDirectory = Data,
            BinDirectory = Primary.Cluster.BinDirectory,
            SocketDirectory = Host.Directory,
            LogFile = _directory["standby.log"],
            StopOnDispose = ServerStopMode.Immediate,
            Settings = new Dictionary<string, string> { ["fsync"] = "off", ["archive_mode"] = "always", ["log_checkpoints"] = "on" },
            Environment = new Dictionary<string, string> { ["PITR_PROGRAM"] = TestEnvironment.Pitr },
        });
        await _standby.WaitUntilAcceptingAsync();
    }

    public async Task DisposeAsync()
    {
        if (_standby is not null)
        {
            await _standby.DisposeAsync();
        }

        if (_primary is not null)
        {
            await _primary.DisposeAsync();
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task A_standby_is_backed_up_whole_and_by_changed_pages_and_after_its_promotion()
    {
        await StartAsync(null);
        await BackUpAndPromoteAsync(changes: "lsn");
    }

    /// <summary>A standby summarises the WAL that it replays.</summary>
    [Theory]
    [PostgresVersion(18)]
    public async Task So_it_is_by_its_own_WAL_summaries(int version)
    {
        await StartAsync(PostgresVersionAttribute.Programs(version), ("summarize_wal", "on"));
        await BackUpAndPromoteAsync(changes: "summaries");
    }

    async Task BackUpAndPromoteAsync(string changes)
    {
        JsonElement full, changed;
        await using (new PageWriters(Primary.Cluster.ConnectionString() + ";Pooling=false", TestEnvironment.Seed, 2))
        {
            full = await TakeAsync("--full");
            await Primary.ExecuteAsync("UPDATE kept SET v = 'changed' WHERE i % 500 = 0");
            changed = await TakeAsync();
        }

        Assert.Equal("it was asked for", full.GetProperty("full-copy-reason").GetString());
        Assert.Equal(full.GetProperty("id").GetString(), changed.GetProperty("base").GetString());
        Assert.NotEqual(0, changed.GetProperty("older-packs").GetArrayLength());
        Assert.Equal(changes, changed.GetProperty("changes").GetString());
        await Primary.ExecuteAsync(Standing);
        var expected = await ClusterContent.ReadAsync(Primary.Cluster.ConnectionString());
        await Primary.ExecuteAsync("DELETE FROM kept");
        await Primary.ArchiveEverythingAsync();
        foreach (var backup in new[] { full, changed })
        {
            await CompareAsync(backup, expected, "--target-name", "stood still", "--target-timeline", "1");
        }

        await PromoteInTheMiddleAsync();

        var promoted = (await Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--method", "direct")).Must().Json;
        Assert.Equal("there is no backup of timeline 2 yet", promoted.GetProperty("full-copy-reason").GetString());
        await ExecuteAsync("INSERT INTO kept VALUES (1, 'after')");
        var next = (await Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--method", "direct")).Must().Json;
        Assert.Equal(promoted.GetProperty("id").GetString(), next.GetProperty("base").GetString());
        Assert.Equal(changes, next.GetProperty("changes").GetString());
        var content = await ClusterContent.ReadAsync(_standby!.ConnectionString());
        await CompareAsync(next, content);
    }

    // The segment in which it ends is archived only when the primary goes on to the next.
    async Task<JsonElement> TakeAsync(params string[] more)
    {
        using var running = Host.Start(["--output", "json", "backup", PitrHost.Service, "--method", "direct", .. more]);
        while (!running.HasExited)
        {
            await Primary.ExecuteAsync("SELECT pg_switch_wal()");
            await Task.Delay(200);
        }

        var backup = (await running.EndAsync(TimeSpan.FromMinutes(1))).Must().Json;
        Assert.Equal((0, 1), (backup.GetProperty("damaged-pages").GetInt32(), backup.GetProperty("timeline").GetInt32()));
        return backup;
    }

    async Task CompareAsync(JsonElement backup, IReadOnlyList<string> expected, params string[] target)
    {
        var id = backup.GetProperty("id").GetString()!;
        var to = _directory[id];
        (await Host.RunAsync(["restore", PitrHost.Service, "--to", to, "--backup", id, .. target])).Must();
        RequireConsistent(to, backup);
        await using var restored = RecoveringCluster.Start(Host, to, Primary.Cluster.BinDirectory);
        await restored.WaitUntilRecoveryEndsAsync();
        await restored.WaitUntilAcceptingAsync();
        ClusterContent.RequireSame(expected, await ClusterContent.ReadAsync(restored.ConnectionString));
        var address = new NpgsqlConnectionStringBuilder(restored.ConnectionString);
        (await ProgramRun.RunAsync(
            PostgresBinaries.Find(15).Program("pg_amcheck"),
            ["--host", address.Host!, "--port", $"{address.Port}", "--username", address.Username!, "--all", "--install-missing", "--heapallindexed"])).Must();
    }

    // A backup from a standby is consistent where its control file says; so no page may be from behind that, or the file was copied too early.
    static void RequireConsistent(string directory, JsonElement backup)
    {
        var label = BackupLabel.Parse(File.ReadAllText(Path.Combine(directory, BackupLabel.FileName)));
        if (label.BackupFrom != "standby")
        {
            return;
        }

        var control = ControlFile.ReadFrom(directory);
        var stop = Lsn.Parse(backup.GetProperty("stop-lsn").GetString()!);
        Assert.InRange(control.MinRecoveryPoint.Value, label.StartLsn.Value, stop.Value);
        var pages = Directory.EnumerateFiles(Path.Combine(directory, "base"), "*", SearchOption.AllDirectories)
            .Where(path => RelationFileName.TryParse(Path.GetRelativePath(directory, path), out var name) && name.Fork == RelationFork.Main)
            .SelectMany(path => File.ReadAllBytes(path).Chunk(PageSize))
            .Where(page => page.Length == PageSize && !DataPage.IsNew(page))
            .Select(page => DataPage.Lsn(page).Value)
            .ToArray();
        Assert.True(pages.Length > 1000);
        Assert.True(pages.Max() <= control.MinRecoveryPoint.Value, $"a page is from {new Lsn(pages.Max())}, the control file from {control.MinRecoveryPoint}");
    }

    // The server ends backup mode itself then, and what was read is no backup.
    async Task PromoteInTheMiddleAsync()
    {
        var known = (await BackupsAsync()).Count;
        await Primary.ExecuteAsync("CHECKPOINT");
        var position = await Primary.ScalarAsync<string>("SELECT pg_current_wal_lsn()::text");
        await Eventually.IsTrueAsync(() => ScalarAsync<bool>($"SELECT pg_last_wal_replay_lsn() >= '{position}'"), () => $"the standby catches up; {Log}");
        var restartPoints = Log.Split("restartpoint complete").Length;
        using var running = Host.Start("backup", PitrHost.Service, "--method", "direct", "--full", "--limit", "3MB/s");
        await Eventually.IsTrueAsync(() => running.HasExited || Log.Split("restartpoint complete").Length > restartPoints, () => $"the backup begins; {Log}");
        await Primary.Cluster.StopAsync();
        Assert.True(await ScalarAsync<bool>("SELECT pg_promote()"));

        (await running.EndAsync(TimeSpan.FromMinutes(2))).Must(10).MustSay("promoted", "HINT:");
        Assert.Equal(known, (await BackupsAsync()).Count);
    }

    async Task<IReadOnlyList<string>> BackupsAsync() =>
        [.. (await Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0].GetProperty("backups").EnumerateArray().Select(b => b.GetProperty("id").GetString()!)];

    async Task ExecuteAsync(string sql)
    {
        await using var session = await Postgres.Sessions.PostgresSession.OpenAsync(_standby!.ConnectionString() + ";Pooling=false");
        await session.ExecuteAsync(sql);
    }

    async Task<T> ScalarAsync<T>(string sql)
    {
        await using var session = await Postgres.Sessions.PostgresSession.OpenAsync(_standby!.ConnectionString() + ";Pooling=false");
        await using var command = new NpgsqlCommand(sql, session.Connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
