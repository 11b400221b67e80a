using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill;

/// <summary>
/// Looks whether a recovered cluster is sound: it answers, every table can be read to its end, the queries of the configuration have the answers that are
/// expected, heap and indexes agree (pg_amcheck), page checksums hold. Whatever happens during a check is its result, and the others go on.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="server">The recovered cluster; stopped at the end, because page checksums are looked at in a stopped one.</param>
/// <param name="checks">Takes the results as they come.</param>
/// <param name="progress">Told what is looked at.</param>
sealed class ClusterChecks(PostgresService service, PostgresServer server, List<DrillCheck> checks, IProgress<RestoreProgress>? progress)
{
    // PostgreSQL is back in a moment after the crash of one of its processes; one that is not must not hold the drill up.
    static readonly TimeSpan Restart = TimeSpan.FromMinutes(1);

    readonly CheckSeries _series = new(service.Clock, checks, progress, e => PostgresReason.Of(e, server));
    readonly TableCounter _tables = new(server);
    readonly List<string> _databases = [];
    bool _hasDatabases;

    /// <summary>Runs every check and adds its result.</summary>
    /// <param name="earlier">The drill whose row counts these are put beside; null when there is none.</param>
    /// <param name="cancellation">Ends it; nothing is added for the check under way.</param>
    /// <returns>The row counts, null when no database could be listed; and what is no failure, but should be looked at.</returns>
    public async Task<(RowCounts? Counts, IReadOnlyList<string> Warnings)> RunAsync(DrillReport? earlier, CancellationToken cancellation)
    {
        await CheckAsync("server answers", AnswersAsync, cancellation);
        foreach (var database in _databases.ToArray())
        {
            await CheckAsync($"tables of {database}", token => _tables.CountAsync(database, token), cancellation);
        }

        foreach (var check in service.Settings.Drill.Checks.Select(c => new SqlCheck(c, service.Settings.Drill.CheckTimeout, service.Clock)))
        {
            await CheckAsync(check.Undone, token => check.RunAsync((query, given) => PostgresQuery.AskAsync(server, query, given), token), cancellation);
        }

        await CheckAsync("pg_amcheck", CheckHeapAndIndexesAsync, cancellation);
        await _series.RunAsync("page checksums", StopAndCheckPagesAsync, cancellation);
        return _hasDatabases
            ? RowCounts.Compare(_tables.Counted, _tables.KnownAmong(_databases), earlier, service.Settings.Drill.NamesTables)
            : (null, []);
    }

    Task CheckAsync(string name, Func<CancellationToken, Task<string>> check, CancellationToken cancellation) =>
        CheckAsync(new DrillCheck(name, false, ""), async token => new DrillCheck(name, true, await check(token)), cancellation);

    Task CheckAsync(DrillCheck undone, Func<CancellationToken, Task<DrillCheck>> check, CancellationToken cancellation) => _series.RunAsync(
        undone,
        async token =>
        {
            await WaitUntilAcceptingAsync(token);
            return await check(token);
        },
        cancellation);

    async Task WaitUntilAcceptingAsync(CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Restart, service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await server.WaitUntilAcceptingAsync(linked.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new ServerException(string.Create(CultureInfo.InvariantCulture, $"PostgreSQL did not come back within {Restart.TotalSeconds:0} s"), innerException: e);
        }
    }

    async Task<string> AnswersAsync(CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString(), cancellation);
        await using var listing = new NpgsqlCommand("SELECT array_agg(datname::text ORDER BY datname) FROM pg_database WHERE datallowconn AND NOT datistemplate", session.Connection);
        if (await listing.ExecuteScalarAsync(cancellation) is string[] names)
        {
            _databases.AddRange(names);
        }

        _hasDatabases = true;
        await using var version = new NpgsqlCommand("SELECT version()", session.Connection);
        return (string)(await version.ExecuteScalarAsync(cancellation))!;
    }

    async Task<string> CheckHeapAndIndexesAsync(CancellationToken cancellation)
    {
        var programs = Programs();
        if (!programs.Has("pg_amcheck"))
        {
            throw new ServerException(
                $"pg_amcheck is not in {programs.Path}",
                "install PostgreSQL's client programs of this version (pg_amcheck is part of PostgreSQL 14 and later)");
        }

        await using var session = await PostgresSession.OpenAsync(server.ConnectionString(), cancellation);
        await using var available = new NpgsqlCommand("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'", session.Connection);
        if (await available.ExecuteScalarAsync(cancellation) is null)
        {
            throw new ServerException(
                "the extension amcheck is not installed on this host",
                "install PostgreSQL's contrib package of this version");
        }

        // The cluster is scratch, so the extension may be made in it.
        var login = new NpgsqlConnectionStringBuilder(server.ConnectionString());
        await RunAsync(
            programs.Program("pg_amcheck"),
            ["--host", server.SocketDirectory, "--port", server.Port.ToString(CultureInfo.InvariantCulture), "--all", "--install-missing", "--heapallindexed", "--jobs", "2", "--no-strict-names"],
            new() { ["PGUSER"] = login.Username!, ["PGDATABASE"] = "postgres", ["PGOPTIONS"] = login.Options ?? "" },
            cancellation);
        return $"heap and B-tree indexes of {_databases.Count} databases agree";
    }

    async Task<string> StopAndCheckPagesAsync(CancellationToken cancellation)
    {
        await StopAsync(cancellation);
        if (ControlFile.Read(Path.Combine(server.DataDirectory, "global", "pg_control")).ChecksumVersion == 0)
        {
            return "the cluster has no page checksums; nothing to check";
        }

        var output = await RunAsync(Programs().Program("pg_checksums"), ["--check", "-D", server.DataDirectory], [], cancellation);
        return output.Split('\n').FirstOrDefault(l => l.StartsWith("Blocks scanned", StringComparison.Ordinal)) ?? "every page's checksum holds";
    }

    // A query that was given up may not let its process end. After a stop that does not wait for it pg_checksums refuses, and says why.
    async Task StopAsync(CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(service.Settings.Drill.CheckTimeout, service.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await server.StopAsync(ServerStopMode.Fast, linked.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            service.Log.Warning("PostgreSQL does not stop within {Limit}: something in it does not end", service.Settings.Drill.CheckTimeout);
            await server.StopAsync(ServerStopMode.Immediate, cancellation);
        }
    }

    BinDirectory Programs() => PostgresBinaries.FindForDataDirectory(server.DataDirectory, service.Settings.BinDirectory);

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
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }

        return process.ExitCode == 0 ? await output : throw new ServerException($"{Path.GetFileName(program)} exited with {process.ExitCode}: {Last(await output + await errors)}");
    }

    static string Last(string text) => string.Join(" / ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(3));
}
