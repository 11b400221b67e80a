using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>
/// Dumps of a MySQL or MariaDB server: each database by itself, so that each can be brought back by itself and under another name. Each is consistent in itself
/// (<c>--single-transaction</c>); with a binary log it says at which position of it. Users and roles are a stream of pitr's own.
/// </summary>
/// <param name="settings">The service.</param>
public sealed class MysqlSource(MysqlSettings settings) : IDumpSource
{
    const string Format = "sql";
    const string StreamSuffix = ".sql";
    const string Accounts = "accounts.json";

    static readonly string[] Always = ["--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob"];

    readonly List<string> _arguments = [.. Always];
    MysqlTools? _tools;
    bool _isMariaDb;

    /// <inheritdoc/>
    public async Task<DumpPlan> PlanAsync(CancellationToken cancellation)
    {
        _tools = new MysqlTools(settings);
        var (product, version, hasBinaryLog) = await _tools.ReadServerAsync(cancellation);
        _isMariaDb = product == MysqlTools.MariaDb;
        var knows = await _tools.ReadOptionsAsync(cancellation);
        if (hasBinaryLog)
        {
            _arguments.Add(knows("--source-data") ? "--source-data=2" : "--master-data=2");
        }

        // Without the first a user needs more rights than for the data; with the second a dump could not go back into the server it came from.
        _arguments.AddRange(new[] { "--no-tablespaces", "--set-gtid-purged" }.Where(knows).Select(option => option == "--set-gtid-purged" ? option + "=OFF" : option));
        var all = await _tools.ReadDatabasesAsync(cancellation);
        if (settings.Databases.FirstOrDefault(name => all.All(d => d.Name != name)) is { } missing)
        {
            throw new RefusedInputException($"there is no database \"{missing}\" on {_tools.Server}", $"it has {string.Join(", ", all.Select(d => d.Name))}; \"databases\" of service {settings.Name} names what is dumped");
        }

        var databases = settings.Databases.Count == 0 ? all : [.. settings.Databases.Select(name => all.Single(d => d.Name == name))];
        var streams = databases.Select(d => new PlannedStream(d.Name + StreamSuffix, Format, d.Name)
        {
            Properties = new Dictionary<string, string>(StringComparer.Ordinal) { ["character-set"] = d.CharacterSet, ["collation"] = d.Collation },
        });
        return databases.Count > 0
            ? new DumpPlan(await _tools.ReadVersionAsync(_tools.Dump, cancellation), product, version, [.. streams, new PlannedStream(Accounts, MysqlAccounts.FormatName, null)], databases.Sum(d => d.Bytes))
            : throw new RefusedInputException($"{_tools.Server} has no databases that {settings.User ?? "the user"} may see", "grant SELECT and SHOW DATABASES to the user of the service");
    }

    /// <inheritdoc/>
    public async Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.Database is { } database
            // Behind --: a database may be called --help.
            ? new ToolFeed(_tools!.Start(_tools.Dump, [.. _arguments, "--", database]))
            : await new MysqlAccountReader(_tools!, _isMariaDb).ReadAsync(cancellation);
    }

    /// <inheritdoc/>
    public ClientProgram? StartRehearsal(PlannedStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.Format == Format ? _tools!.Start(_tools.Dump, [.. _arguments, "--no-data", "--", stream.Database!]) : null;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ServerCount>> CountAsync(PlannedStream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.Format == Format ? await _tools!.CountAsync(stream.Database!, cancellation) : [];
    }

    /// <inheritdoc/>
    public string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.Format == Format && tail.IndexOf("-- Dump completed"u8) < 0 ? "its end is missing" : null;
    }

    /// <inheritdoc/>
    public string? Hint(string messages) => MysqlTools.Hint(messages);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
