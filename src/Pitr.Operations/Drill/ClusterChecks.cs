using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill;

/// <summary>
/// Looks whether a recovered cluster is sound: it answers, every table can be read to its end, heap and indexes agree (pg_amcheck),
/// page checksums hold. A failed check does not end the others.
/// </summary>
sealed class ClusterChecks(PostgresService service, List<DrillCheck> checks)
{
    /// <summary>Runs every check and adds its result.</summary>
    public async Task RunAsync(PostgresServer server, PostgresSession session, CancellationToken cancellation)
    {
        await CheckAsync("server answers", async () => (string)(await ScalarAsync(session.Connection, "SELECT version()", cancellation))!);
        var databases = await ReadDatabasesAsync(session, cancellation);
        foreach (var database in databases)
        {
            await CheckAsync($"tables of {database}", () => ReadTablesAsync(server.ConnectionString(database), cancellation));
        }

        var programs = PostgresBinaries.FindForDataDirectory(server.DataDirectory, service.Settings.BinDirectory);
        await CheckAsync("pg_amcheck", () => CheckHeapAndIndexesAsync(server, session, programs, databases, cancellation));
        await session.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await server.StopAsync(ServerStopMode.Fast, cancellation);
        await CheckAsync("page checksums", () => CheckPagesAsync(server.DataDirectory, programs, cancellation));
    }

    async Task CheckAsync(string name, Func<Task<string>> check)
    {
        try
        {
            checks.Add(new DrillCheck(name, true, await check()));
        }
        catch (Exception e) when (e is NpgsqlException or ServerException or IOException)
        {
            checks.Add(new DrillCheck(name, false, e.Message));
        }
    }

    static async Task<List<string>> ReadDatabasesAsync(PostgresSession session, CancellationToken cancellation)
    {
        var names = new List<string>();
        await using var command = new NpgsqlCommand("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1", session.Connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync(cancellation);
    }

    static async Task<string> ReadTablesAsync(string connectionString, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellation);
        var tables = (string[])(await ScalarAsync(
            connection,
            "SELECT coalesce(array_agg(format('%I.%I', n.nspname, c.relname) ORDER BY 1), '{}') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_toast'",
            cancellation))!;
        var rows = 0L;
        foreach (var table in tables)
        {
            rows += (long)(await ScalarAsync(connection, $"SELECT count(*) FROM {table}", cancellation))!;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{tables.Length} tables read, {rows} rows");
    }

    async Task<string> CheckHeapAndIndexesAsync(PostgresServer server, PostgresSession session, BinDirectory programs, List<string> databases, CancellationToken cancellation)
    {
        if (!programs.Has("pg_amcheck"))
        {
            throw new ServerException(
                $"pg_amcheck is not in {programs.Path}",
                "install PostgreSQL's client programs of this version (pg_amcheck is part of PostgreSQL 14 and later)");
        }

        if (await ScalarAsync(session.Connection, "SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'", cancellation) is null)
        {
            throw new ServerException(
                "the extension amcheck is not installed on this host",
                "install PostgreSQL's contrib package of this version");
        }

        // The cluster is scratch, so the extension may be made in it.
        await RunAsync(
            programs.Program("pg_amcheck"),
            ["--host", server.SocketDirectory, "--port", server.Port.ToString(CultureInfo.InvariantCulture), "--all", "--install-missing", "--heapallindexed", "--jobs", "2", "--no-strict-names"],
            new() { ["PGUSER"] = new NpgsqlConnectionStringBuilder(server.ConnectionString()).Username!, ["PGDATABASE"] = "postgres" },
            cancellation);
        return $"heap and B-tree indexes of {databases.Count} databases agree";
    }

    static async Task<string> CheckPagesAsync(string dataDirectory, BinDirectory programs, CancellationToken cancellation)
    {
        if (ControlFile.Read(Path.Combine(dataDirectory, "global", "pg_control")).ChecksumVersion == 0)
        {
            return "the cluster has no page checksums; nothing to check";
        }

        var output = await RunAsync(programs.Program("pg_checksums"), ["--check", "-D", dataDirectory], [], cancellation);
        return output.Split('\n').FirstOrDefault(l => l.StartsWith("Blocks scanned", StringComparison.Ordinal)) ?? "every page's checksum holds";
    }

    static async Task<string> RunAsync(string program, string[] arguments, Dictionary<string, string> environment, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return process.ExitCode == 0 ? await output : throw new ServerException($"{Path.GetFileName(program)} exited with {process.ExitCode}: {Last(await output + await errors)}");
    }

    static string Last(string text) => string.Join(" / ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(3));
}
