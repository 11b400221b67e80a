using Npgsql;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Clusters;

/// <summary>
/// A cluster that `pitr restore` wrote and that a person starts: its restore_command is the ordinary one, which asks the agent of the host or
/// does the work itself. Disposing stops it.
/// </summary>
sealed class RecoveringCluster : IAsyncDisposable
{
    readonly PitrHost _host;
    readonly PostgresServer _server;

    RecoveringCluster(PitrHost host, PostgresServer server) => (_host, _server) = (host, server);

    public string Directory => _server.DataDirectory;

    /// <summary>Restores, and starts PostgreSQL.</summary>
    /// <param name="host">Where it is restored from.</param>
    /// <param name="directory">New.</param>
    /// <param name="standby">Starts a standby: it goes on asking at the end of the archive.</param>
    /// <param name="arguments">More for `pitr restore`.</param>
    public static async Task<RecoveringCluster> StartAsync(PitrHost host, string directory, bool standby = false, params string[] arguments)
    {
        (await host.RunAsync(["restore", PitrHost.Service, "--to", directory, .. arguments])).Must();
        if (standby)
        {
            File.Move(Path.Combine(directory, "recovery.signal"), Path.Combine(directory, "standby.signal"));
            var settings = Path.Combine(directory, "postgresql.auto.conf");
            var text = await File.ReadAllTextAsync(settings);
            Assert.Contains("get main %f %p", text, StringComparison.Ordinal);
            await File.WriteAllTextAsync(settings, text.Replace("get main %f %p", "get main %f %p --standby", StringComparison.Ordinal) + "\nwal_retrieve_retry_interval = '200ms'\n");
        }

        return Start(host, directory);
    }

    /// <summary>Starts PostgreSQL on a directory that `pitr restore` has filled.</summary>
    /// <param name="host">Where it is restored from.</param>
    /// <param name="directory">The data directory.</param>
    /// <param name="programs">Null: found by the version that the directory says.</param>
    public static RecoveringCluster Start(PitrHost host, string directory, BinDirectory? programs = null) =>
        new(host, PostgresServer.Start(new PostgresServerOptions
        {
            DataDirectory = directory,
            BinDirectory = programs ?? PostgresBinaries.FindForDataDirectory(directory),
            SocketDirectory = System.IO.Directory.CreateDirectory(directory + ".s").FullName,
            LogFile = directory + ".log",
            StopOnDispose = ServerStopMode.Immediate,
            Settings = new Dictionary<string, string> { ["fsync"] = "off", ["log_min_messages"] = "log" },
            Environment = new Dictionary<string, string>(host.Environment) { ["PITR_PROGRAM"] = TestEnvironment.Pitr },
        }));

    /// <summary>What the server has logged.</summary>
    public string Log => File.Exists(Directory + ".log") ? File.ReadAllText(Directory + ".log") : "";

    /// <summary>Segments that lie ready for it, of any process.</summary>
    public IReadOnlyList<string> FetchedAhead => System.IO.Directory.Exists(Path.Combine(_host.StateDirectory, "services/main/prefetch"))
        ? [.. System.IO.Directory.EnumerateFiles(Path.Combine(_host.StateDirectory, "services/main/prefetch"), "0*", SearchOption.AllDirectories)]
        : [];

    /// <summary>Processes that a get has left behind for it.</summary>
    public IReadOnlyList<int> Helpers => Processes.Find("wal helper", Path.Combine(Directory, "pg_wal"));

    /// <summary>To its database postgres.</summary>
    public string ConnectionString => _server.ConnectionString();

    public Task WaitUntilRecoveryEndsAsync() => _server.WaitUntilRecoveryEndsAsync();

    public Task WaitUntilAcceptingAsync() => _server.WaitUntilAcceptingAsync();

    public Task StopAsync() => _server.StopAsync(ServerStopMode.Immediate);

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(_server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Nothing of its recovery is left: no process, no segment that nobody will ask for, nothing beside PostgreSQL's files.</summary>
    public async Task NothingIsLeftAsync()
    {
        await Eventually.IsTrueAsync(() => Helpers.Count == 0, () => $"the helper ends: {string.Join(' ', Helpers)}");
        await Eventually.IsTrueAsync(() => FetchedAhead.Count == 0, () => $"what was fetched ahead is removed: {string.Join(' ', FetchedAhead)}");
        if (System.IO.Directory.Exists(Directory))
        {
            Assert.Empty(System.IO.Directory.EnumerateFiles(Path.Combine(Directory, "pg_wal"), "RECOVERY*"));
        }
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();
}
