using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>
/// Dumps of a MongoDB server by <c>mongodump --archive</c>: everything in one archive, with the oplog of one moment on replica sets, or each named database by itself.
/// </summary>
/// <param name="settings">The service.</param>
public sealed class MongodbSource(MongodbSettings settings) : IDumpSource
{
    const string Format = "mongodb-archive";
    const string StreamSuffix = ".archive";
    const string Everything = "all";

    // What the tool says of each collection, behind the time; and its bars.
    static readonly string[] Routine = ["\twriting ", "\tdone dumping ", "\tdumped ", "\t\tdumped ", "\t["];

    MongodbTools? _tools;

    /// <inheritdoc/>
    public async Task<DumpPlan> PlanAsync(CancellationToken cancellation)
    {
        _tools = new MongodbTools(settings);
        var tool = await _tools.ReadVersionAsync(_tools.Dump, cancellation);
        if (settings.Databases.Count == 0)
        {
            var all = await _tools.ReadPreludeAsync(null, cancellation);
            return new DumpPlan(tool, MongodbTools.Product, all.ServerVersion, [new PlannedStream(Everything + StreamSuffix, Format, null)], 0);
        }

        if (settings.Databases.FirstOrDefault(MongodbTools.Own.Contains) is { } own)
        {
            throw new RefusedInputException($"database {own} is the server's own, and goes only with everything", $"leave \"databases\" of service {settings.Name} out, or that name");
        }

        var version = "";
        foreach (var database in settings.Databases)
        {
            var prelude = await _tools.ReadPreludeAsync(database, cancellation);
            version = prelude.ServerVersion;
            if (prelude.Databases.Count == 0)
            {
                throw new RefusedInputException(
                    $"there is no database \"{database}\" on {_tools.Server}, or it has no collections", $"\"databases\" of service {settings.Name} names what is dumped");
            }
        }

        return new DumpPlan(tool, MongodbTools.Product, version, [.. settings.Databases.Select(name => new PlannedStream(name + StreamSuffix, Format, name))], 0);
    }

    /// <inheritdoc/>
    public Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var program = _tools!.Start(_tools.Dump, MongodbTools.DumpArguments(stream.Database, settings.WithOplog));
        return Task.FromResult<IDumpFeed>(new MongodbFeed(new ToolFeed(program), stream.Name, _tools.Clean));
    }

    /// <summary>Always null: an archive is looked at from its beginning, while it is read.</summary>
    public string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail) => null;

    /// <inheritdoc/>
    public bool IsRoutine(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Array.Exists(Routine, part => message.Contains(part, StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public string? Hint(string messages) => MongodbTools.Hint(messages);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _tools?.Dispose();
        return ValueTask.CompletedTask;
    }
}
