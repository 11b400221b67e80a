using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Clusters;

/// <summary>A cluster that `pitr restore --start` brought back and left running; disposing stops it.</summary>
sealed class RestoredCluster : IAsyncDisposable
{
    readonly BinDirectory _programs;
    bool _released;

    RestoredCluster(string directory, BinDirectory? programs, ProgramRun run)
    {
        var result = run.Json;
        Directory = directory;
        _programs = programs ?? PostgresBinaries.FindForDataDirectory(directory);
        Result = result;
        Said = run.Errors;
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = result.GetProperty("socket-directory").GetString(),
            Port = result.GetProperty("port").GetInt32(),
            Username = "postgres",
            Database = "postgres",
            Pooling = false,
        }.ConnectionString;
    }

    public string Directory { get; }

    /// <summary>To its database postgres, as superuser, without a pool.</summary>
    public string ConnectionString { get; }

    /// <summary>What the command printed.</summary>
    public JsonElement Result { get; }

    /// <summary>What it said beside that: warnings.</summary>
    public string Said { get; }

    /// <summary>Restores and starts; the socket goes into the directory beside.</summary>
    public static Task<RestoredCluster> StartAsync(PitrHost host, string directory, params string[] arguments) => StartAsync(host, directory, null, arguments);

    /// <inheritdoc cref="StartAsync(PitrHost, string, string[])"/>
    public static async Task<RestoredCluster> StartAsync(PitrHost host, string directory, BinDirectory? programs, params string[] arguments) =>
        new(directory, programs, await RunAsync(host, directory, System.IO.Directory.CreateDirectory(directory + ".s").FullName, arguments));

    /// <summary>Restores and starts with the socket in a directory of the caller's.</summary>
    public static async Task<RestoredCluster> StartAtAsync(PitrHost host, string directory, string sockets, params string[] arguments) =>
        new(directory, null, await RunAsync(host, directory, sockets, arguments));

    static async Task<ProgramRun> RunAsync(PitrHost host, string directory, string sockets, string[] arguments) =>
        (await host.RunAsync(["--output", "json", "restore", PitrHost.Service, "--to", directory, "--start", "--socket-directory", sockets, .. arguments])).Must();

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Stops it with everything written out, and leaves the directory to the caller.</summary>
    public Task StopAsync() => StopAsync("fast");

    /// <summary>Leaves the stopped cluster's directory as it is when this is disposed.</summary>
    public void Release() => _released = true;

    async Task StopAsync(string mode) =>
        (await ProgramRun.RunAsync(_programs.Program("pg_ctl"), ["-D", Directory, "-m", mode, "-w", "stop"])).Must();

    public async ValueTask DisposeAsync()
    {
        if (_released)
        {
            return;
        }

        await StopAsync("immediate");
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
