using Npgsql;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A host that dumps a server of its own with several jobs.</summary>
sealed class ParallelDumpHost : IAsyncDisposable
{
    readonly int _version;

    ParallelDumpHost(DumpHost host, ScratchCluster cluster, int version) => (Host, Cluster, _version) = (host, cluster, version);

    public DumpHost Host { get; }

    public ScratchCluster Cluster { get; }

    /// <summary>Where files lie while a dump is taken, unless another place is configured.</summary>
    public string Staging => Path.Combine(Host.Host.StateDirectory, "services", DumpHost.Service, "dump");

    /// <summary>Makes server and host.</summary>
    /// <param name="version">Of PostgreSQL.</param>
    /// <param name="databases">What is dumped, as a list; made empty.</param>
    /// <param name="more">More keys of the service.</param>
    /// <param name="limit">As of <see cref="DumpHost"/>.</param>
    public static async Task<ParallelDumpHost> CreateAsync(int version, string[] databases, string more = "", string? limit = null)
    {
        var host = await DumpHost.CreateAsync("kind: postgres-dump");
        try
        {
            var cluster = await ScratchCluster.CreateAsync(new ScratchClusterOptions
            {
                BinDirectory = PostgresBinaries.Find(version), Directory = host.Directory["pg"], Fsync = false, StopOnDispose = ServerStopMode.Immediate,
            });
            var made = new ParallelDumpHost(host, cluster, version);
            foreach (var database in databases)
            {
                await made.ExecuteAsync("postgres", $"CREATE DATABASE {database}");
            }

            made.Configure(databases, more, limit);
            return made;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>Writes the configuration anew.</summary>
    public void Configure(string[] databases, string more = "", string? limit = null) => Host.Configure(
        $"""
        kind: postgres-dump
        connection: "Host={Cluster.SocketDirectory};Port={Cluster.Server.Port};Username=postgres;Database=postgres"
        databases: [{string.Join(", ", databases)}]
        jobs: 3
        {more}
        """,
        limit: limit);

    public async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>All of a database, as pg_dump writes it.</summary>
    public async Task<string> TextAsync(string database)
    {
        var run = (await ProgramRun.RunAsync(
            PostgresBinaries.FindClient("pg_dump", _version), ["--host", Cluster.SocketDirectory, "--port", $"{Cluster.Server.Port}", "--username", "postgres", database])).Must();
        // Its key is another one each time.
        return string.Join('\n', run.Output.Split('\n').Where(line => !line.Contains("restrict ", StringComparison.Ordinal)));
    }

    /// <summary>Fails the test unless nothing lies in the host's state but what stays, and no tool runs.</summary>
    public void RequireNothingStaged()
    {
        Assert.False(Directory.Exists(Staging), Staging);
        Assert.False(Directory.Exists(Staging + "-restore"), Staging);
        Assert.Empty(Tools());
    }

    /// <summary>Processes of pg_dump and pg_restore that work for this host.</summary>
    public IReadOnlyList<int> Tools() => [.. Processes.Find("pg_", Host.Directory.Path).Where(id => Processes.Read(id, "comm") is { } name && (name.StartsWith("pg_dump", StringComparison.Ordinal) || name.StartsWith("pg_restore", StringComparison.Ordinal)))];

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        Host.Dispose();
    }

    async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Cluster.ConnectionString(database)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}
