using System.Diagnostics;
using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>A server whose WAL is looked at: it keeps all of it in pg_wal. With one open session.</summary>
sealed class WalServer : IAsyncDisposable
{
    readonly TestDirectory _directory;
    readonly ScratchCluster _cluster;

    WalServer(TestDirectory directory, ScratchCluster cluster, PostgresSession session) => (_directory, _cluster, Session) = (directory, cluster, session);

    public PostgresSession Session { get; }

    public string DataDirectory => _cluster.DataDirectory;

    public string PgWal => Path.Combine(DataDirectory, "pg_wal");

    public static Task<WalServer> StartAsync(int version, params (string Name, string Value)[] settings) => StartAsync(version, WalSegmentSize.From(1 << 20), settings);

    public static async Task<WalServer> StartAsync(int version, WalSegmentSize size, params (string Name, string Value)[] settings)
    {
        var directory = new TestDirectory();
        try
        {
            var cluster = await ScratchClusters.CreateAsync(
                version, directory.Sub("c"), size, settings: [("max_prepared_transactions", "5"), ("wal_keep_size", "1GB"), .. settings]);
            return new WalServer(directory, cluster, await PostgresSession.OpenAsync(cluster.ConnectionString()));
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>A new directory that is gone with the server.</summary>
    public string NewDirectory(string name) => _directory.NewSub(name);

    public Task ExecuteAsync(string sql) => Session.ExecuteAsync(sql);

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = new NpgsqlCommand(sql, Session.Connection);
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        return reader.GetFieldValue<T>(0);
    }

    /// <summary>What pg_waldump of PostgreSQL 15 prints of transactions, line by line, times in UTC. It may end with an error at the end of the WAL.</summary>
    public static async Task<IReadOnlyList<string>> DumpAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(PostgresBinaries.Find(15).Program("pg_waldump"), ["--rmgr=Transaction", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TZ"] = "UTC" },
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var lines = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lines.Add(line);
        }

        await process.WaitForExitAsync();
        _ = await error;
        return lines;
    }

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        await _cluster.DisposeAsync();
        _directory.Dispose();
    }
}
