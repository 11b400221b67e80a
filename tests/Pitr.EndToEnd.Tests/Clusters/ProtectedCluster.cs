using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.EndToEnd.Tests.Clusters;

/// <summary>A running cluster, of PostgreSQL 15 unless a test says otherwise, that archives through the published programs, set up by `pitr init --apply`.</summary>
sealed class ProtectedCluster : IAsyncDisposable
{
    readonly TestDirectory _directory;

    ProtectedCluster(TestDirectory directory, ScratchCluster cluster, PitrHost host)
    {
        _directory = directory;
        Cluster = cluster;
        Host = host;
    }

    public ScratchCluster Cluster { get; }

    public PitrHost Host { get; }

    /// <summary>The agent, while one runs.</summary>
    public RunningProgram? Agent { get; set; }

    /// <summary>For whatever belongs to this cluster; gone with it.</summary>
    public TestDirectory Directory => _directory;

    public string PgWal => Path.Combine(Cluster.DataDirectory, "pg_wal");

    public static async Task<ProtectedCluster> CreateAsync(
        WalSegmentSize? segmentSize = null, bool archiveModeOn = true, bool withAgent = true, BinDirectory? programs = null, bool dataChecksums = true, params (string Name, string Value)[] settings) =>
        await CreateAsync(null, segmentSize, archiveModeOn, withAgent, programs, dataChecksums, settings);

    /// <summary>With a repository that is no directory.</summary>
    public static async Task<ProtectedCluster> CreateAsync(
        RemoteRepository? remote, WalSegmentSize? segmentSize = null, bool archiveModeOn = true, bool withAgent = true, BinDirectory? programs = null, bool dataChecksums = true, params (string Name, string Value)[] settings)
    {
        var directory = new TestDirectory();
        ScratchCluster? cluster = null;
        try
        {
            cluster = await ScratchCluster.CreateAsync(new ScratchClusterOptions
            {
                BinDirectory = programs ?? PostgresBinaries.Find(15),
                Directory = directory["pg"],
                WalSegmentSize = segmentSize ?? WalSegmentSize.Default,
                Fsync = false,
                DataChecksums = dataChecksums,
                StopOnDispose = ServerStopMode.Immediate,
                Environment = remote?.Environment ?? [],
                Settings = settings.Append(("archive_mode", archiveModeOn ? "on" : "off")).ToDictionary(s => s.Item1, s => s.Item2),
            });
            var host = new PitrHost(directory.New("host"), directory["repository"]);
            var made = new ProtectedCluster(directory, cluster, host);
            if (remote is null)
            {
                (await host.InitAsync(cluster.ConnectionString(), cluster.DataDirectory, programs is null ? ["--apply"] : ["--apply", "--bin-directory", programs.Path])).Must();
            }
            else
            {
                // The server's own children inherit it, too: without an agent they ask the repository by themselves.
                remote.Environment.ToList().ForEach(variable => host.Environment.Add(variable.Key, variable.Value));
                (await host.InitWithAsync(cluster.ConnectionString(), cluster.DataDirectory, remote.Url, remote.Options, "--apply")).Must();
            }

            if (withAgent)
            {
                made.Agent = await host.StartAgentAsync();
            }

            return made;
        }
        catch
        {
            if (cluster is not null)
            {
                await cluster.DisposeAsync();
            }

            directory.Dispose();
            throw;
        }
    }

    public Task<PostgresSession> OpenAsync() => PostgresSession.OpenAsync(Cluster.ConnectionString() + ";Pooling=false");

    public async Task ExecuteAsync(string sql)
    {
        await using var session = await OpenAsync();
        await session.ExecuteAsync(sql);
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var session = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, session.Connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Completes the current segment and waits until it is in the repository.</summary>
    public async Task<string> ArchiveEverythingAsync()
    {
        string segment;
        await using (var session = await OpenAsync())
        {
            segment = (await session.SwitchWalAsync()).ToString();
        }

        await Eventually.IsTrueAsync(() => File.Exists(Host.WalPath(segment)), () => $"{segment} is archived; {Log()}");
        return segment;
    }

    /// <summary>Completes some segments with some content each, and does not wait for the archiver.</summary>
    public Task FillAsync(int segments) => ExecuteAsync(string.Concat(
        Enumerable.Repeat("SELECT pg_logical_emit_message(false, 'fill', repeat(md5(random()::text), 3000)); SELECT pg_switch_wal();", segments)));

    /// <summary>Waits until nothing waits for the archiver, and holds what it has acknowledged against what is stored.</summary>
    /// <param name="repository">Where the repository is found; null: where it is.</param>
    public async Task EverythingIsArchivedAsync(string? repository = null)
    {
        await ExecuteAsync("SELECT pg_switch_wal()");
        // After three refusals in a row PostgreSQL asks again only after a minute, or when its configuration is read again.
        await Eventually.IsTrueAsync(
            async () =>
            {
                await using var session = await OpenAsync();
                await session.ReloadAsync();
                await Task.Delay(100);
                return Waiting().Count == 0;
            },
            () => $"everything is archived; {Log()}");
        using var contents = new RepositoryContents(repository ?? Host.Repository, Host.IdentityFile);
        contents.OpenEverything();
        foreach (var name in Acknowledged())
        {
            var stored = contents.Open(Path.GetRelativePath(Host.Repository, Host.WalPath(name)));
            var live = Path.Combine(PgWal, name);
            Assert.True(!File.Exists(live) || stored.AsSpan().SequenceEqual(File.ReadAllBytes(live)), $"{name} is stored with other content");
        }
    }

    /// <summary>WAL files that PostgreSQL knows to be archived.</summary>
    public IReadOnlyList<string> Acknowledged() => Status(".done");

    /// <summary>WAL files that wait for the archiver.</summary>
    public IReadOnlyList<string> Waiting() => Status(".ready");

    /// <summary>`pitr backup`; gives the catalog entry.</summary>
    public async Task<JsonElement> BackupAsync() => (await Host.RunAsync("--output", "json", "backup", PitrHost.Service)).Must().Json;

    public Task<RestoredCluster> RestoreAsync(string name, params string[] arguments) => RestoredCluster.StartAsync(Host, _directory[name], Cluster.BinDirectory, arguments);

    IReadOnlyList<string> Status(string suffix) =>
        [.. System.IO.Directory.EnumerateFiles(Path.Combine(PgWal, "archive_status"), "*" + suffix).Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    public string Log() => string.Join('\n', Cluster.Server.LogTail(30));

    public async ValueTask DisposeAsync()
    {
        Agent?.Dispose();
        await Cluster.DisposeAsync();
        _directory.Dispose();
    }
}
