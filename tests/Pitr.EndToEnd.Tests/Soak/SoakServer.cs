using System.Globalization;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Soak;

/// <summary>
/// The live server of a service through crashes, and through recoveries that take its place: always reachable in the same way, always archiving.
/// </summary>
sealed class SoakServer : IAsyncDisposable
{
    const int Port = 5432;

    readonly ProtectedCluster _cluster;
    PostgresServer? _server;
    string _dataDirectory;

    SoakServer(ProtectedCluster cluster)
    {
        _cluster = cluster;
        _dataDirectory = cluster.Cluster.DataDirectory;
    }

    /// <summary>Without a pool; good until the test ends, whatever becomes of the server.</summary>
    public string ConnectionString => $"Host={_cluster.Cluster.SocketDirectory};Port={Port};Username=postgres;Database=postgres;Pooling=false";

    /// <summary>The timeline it writes on.</summary>
    public Timeline Timeline { get; private set; } = new(1);

    PitrHost Host => _cluster.Host;

    string LogFile => Path.Combine(_cluster.Cluster.Directory, "server.log");

    /// <summary>Takes a cluster over: from here on it is stopped and started here.</summary>
    public static async Task<SoakServer> TakeOverAsync(ProtectedCluster cluster)
    {
        await cluster.Cluster.StopAsync();
        var server = new SoakServer(cluster);
        await server.StartAsync();
        return server;
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Completes the current segment and waits until it is in the repository.</summary>
    public async Task ArchiveEverythingAsync()
    {
        await ExecuteAsync("SELECT pg_logical_emit_message(false, 'soak', 'something to archive')");
        var segment = await ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
        await Eventually.IsTrueAsync(() => File.Exists(Host.WalPath(segment)), () => $"{segment} is archived; {string.Join('\n', _server!.LogTail(30))}");
    }

    /// <summary>kill -9 of the server, as it works, and a start that recovers from the crash.</summary>
    public async Task CrashAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    /// <summary>kill -9 of the server; a cluster recovered to a target takes its place, and goes on on a timeline of its own.</summary>
    /// <returns>Where that timeline leaves its parent.</returns>
    public async Task<(Timeline Parent, Lsn SwitchPoint)> ReplaceAsync(string directory, params string[] target)
    {
        await KillAsync();
        (await Host.RunAsync(["restore", PitrHost.Service, "--to", directory, "--archive-mode", "keep", .. target])).Must();
        // The lost cluster's server does not come back, and the new one's is what is backed up from here on.
        var configuration = await File.ReadAllTextAsync(Host.ConfigurationFile);
        Assert.Contains($"data-directory: {_dataDirectory}", configuration, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Host.ConfigurationFile, configuration.Replace($"data-directory: {_dataDirectory}", $"data-directory: {directory}", StringComparison.Ordinal));
        Directory.Delete(_dataDirectory, recursive: true);
        _dataDirectory = directory;
        await _cluster.Agent!.KillAsync();
        _cluster.Agent.Dispose();
        _cluster.Agent = await Host.StartAgentAsync();
        await StartAsync();
        await _server!.WaitUntilRecoveryEndsAsync();
        Timeline = new Timeline((uint)await ScalarAsync<int>("SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"));
        var history = (await File.ReadAllLinesAsync(Path.Combine(directory, "pg_wal", $"{Timeline.Hex}.history"))).Last(line => line.Length > 0).Split('\t');
        return (new Timeline(uint.Parse(history[0], CultureInfo.InvariantCulture)), Lsn.Parse(history[1]));
    }

    async Task KillAsync()
    {
        Processes.Kill(_server!.ProcessId);
        await Eventually.IsTrueAsync(() => _server.HasExited, () => "PostgreSQL is gone");
        await _server.DisposeAsync();
        _server = null;
    }

    Task StartAsync() => Eventually.IsTrueAsync(
        async () =>
        {
            var server = PostgresServer.Start(new PostgresServerOptions
            {
                BinDirectory = _cluster.Cluster.BinDirectory,
                DataDirectory = _dataDirectory,
                SocketDirectory = _cluster.Cluster.SocketDirectory,
                Port = Port,
                LogFile = LogFile,
                StopOnDispose = ServerStopMode.Immediate,
            });
            try
            {
                await server.WaitUntilAcceptingAsync();
                _server = server;
                return true;
            }
            catch (ServerException)
            {
                // The children of the one that was killed are still ending.
                await server.DisposeAsync();
                return false;
            }
        },
        () => $"PostgreSQL starts; {File.ReadAllText(LogFile)}");

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
