using System.Globalization;
using Npgsql;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Dumps.Postgres;

/// <summary>
/// Dumps of a PostgreSQL server: roles and tablespaces by <c>pg_dumpall --globals-only</c>, then each database by <c>pg_dump</c> in custom format, of the server's own
/// major version. Not compressed by pg_dump: zstd does that better, and faster.
/// </summary>
/// <param name="settings">The service.</param>
public sealed class PostgresDumpSource(PostgresDumpSettings settings) : IDumpSource
{
    /// <summary>What the server is called in the catalog.</summary>
    public const string Product = "PostgreSQL";

    /// <summary>Name of the stream with roles and tablespaces. No database can have this name together with a format of its own.</summary>
    public const string Globals = "globals.sql";

    /// <summary>Format of a database.</summary>
    public const string CustomFormat = "pg_dump-custom";

    /// <summary>Format of the globals.</summary>
    public const string SqlFormat = "sql";

    const string StreamSuffix = ".dump";

    string _pgDump = "";
    string _pgDumpAll = "";
    bool _isSuperuser;

    /// <inheritdoc/>
    public async Task<DumpPlan> PlanAsync(CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(settings.RevealConnection(), cancellation);
        var version = await ReadVersionAsync(session, cancellation);
        _pgDump = PostgresBinaries.FindClient(PgDump.Name, version.Major, settings.BinDirectory);
        _pgDumpAll = PostgresBinaries.FindClient(PgDumpAll.Name, version.Major, settings.BinDirectory);
        (_, _isSuperuser) = await Pitr.Postgres.Dumps.DumpCatalog.ReadRightsAsync(session, cancellation);
        var all = await ServerDatabase.ReadAllAsync(session, cancellation);
        if (settings.Databases.FirstOrDefault(name => all.All(d => d.Name != name)) is { } missing)
        {
            throw new RefusedInputException($"there is no database \"{missing}\" on {session.Server}", $"it has {string.Join(", ", all.Select(d => d.Name))}; \"databases\" of service {settings.Name} names what is dumped");
        }

        var databases = settings.Databases.Count == 0 ? all : [.. settings.Databases.Select(name => all.Single(d => d.Name == name))];
        return new DumpPlan(
            $"{PgDump.Name} {version.Major}",
            Product,
            version.Text,
            [new PlannedStream(Globals, SqlFormat, null), .. databases.Select(d => new PlannedStream(d.Name + StreamSuffix, CustomFormat, d.Name) { Properties = d.Options })],
            databases.Sum(d => d.Bytes));
    }

    /// <inheritdoc/>
    public Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var tool = new ToolFeed(Start(stream, schemaOnly: false));
        return Task.FromResult<IDumpFeed>(stream.Database is null ? new SaltedScript(tool) : tool);
    }

    /// <inheritdoc/>
    // Locks every table as the dump does, which needs the same right.
    public ClientProgram? StartRehearsal(PlannedStream stream) => Start(stream, schemaOnly: true);

    ClientProgram Start(PlannedStream stream, bool schemaOnly)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.Database is { } database
            ? PgDump.StartProgram(new PgDumpOptions { Program = _pgDump, ConnectionString = InDatabase(settings.RevealConnection(), database), Uncompressed = true, SchemaOnly = schemaOnly })
            : PgDumpAll.StartGlobals(_pgDumpAll, settings.RevealConnection(), _isSuperuser);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ServerCount>> CountAsync(PlannedStream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Database is not { } database)
        {
            return [];
        }

        await using var session = await PostgresSession.OpenAsync(settings.RevealConnection(), database, cancellation);
        return await CountAsync(session, cancellation);
    }

    internal static async Task<IReadOnlyList<ServerCount>> CountAsync(PostgresSession session, CancellationToken cancellation) =>
        [.. (await DatabaseContent.CountAsync(session, cancellation)).Select(c => new ServerCount(c.What, c.Number))];

    /// <inheritdoc/>
    public string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail)
    {
        ArgumentNullException.ThrowIfNull(stream);
        // pg_dump's own end mark of SQL; the custom format has none, and its exit code says all.
        return stream.Format == SqlFormat && tail.IndexOf("-- PostgreSQL database cluster dump complete"u8) < 0 ? "its end is missing" : null;
    }

    /// <inheritdoc/>
    public string? Hint(string messages) => PgDump.Hint(messages)
        ?? (messages.Contains("permission denied", StringComparison.Ordinal) ? "grant the role of the connection pg_read_all_data, or connect as a superuser" : null)
        ?? (messages.Contains("server closed the connection", StringComparison.Ordinal) || messages.Contains("terminating connection", StringComparison.Ordinal)
            ? "the server went away while it was dumped; its log says why" : null);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal static string InDatabase(string connection, string database) => new NpgsqlConnectionStringBuilder(connection) { Database = database }.ConnectionString;

    internal static async Task<(int Major, string Text)> ReadVersionAsync(PostgresSession session, CancellationToken cancellation)
    {
        var settings = await session.ReadSettingsAsync(["server_version_num", "server_version"], cancellation);
        var number = int.Parse(settings["server_version_num"].Value, CultureInfo.InvariantCulture);
        // Without what a distribution appends: "15.13 (Debian 15.13-0+deb12u1)".
        return (number / 10000, settings["server_version"].Value.Split(' ')[0]);
    }
}
