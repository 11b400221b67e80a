using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>
/// Brings databases back by <c>mongorestore --archive</c>: into what is not there, or with <c>--drop</c> in place of collections of the same names. Users and roles, and what the oplog holds,
/// come only with the whole (<c>--globals</c>).
/// </summary>
public sealed class MongodbTarget : IDumpTarget
{
    const string Users = "admin.system.users";

    readonly List<string> _arguments = [];
    readonly MongodbSettings _settings;
    readonly ToolMark? _mark;
    MongodbTools? _tools;

    /// <param name="settings">The service, whose server it goes to.</param>
    public MongodbTarget(MongodbSettings settings)
        : this(settings, mark: null)
    {
    }

    /// <param name="settings">The service, whose server it goes to.</param>
    /// <param name="mark">What the tools have in their environment; null for nothing.</param>
    internal MongodbTarget(MongodbSettings settings, ToolMark? mark) => (_settings, _mark) = (settings, mark);

    /// <inheritdoc/>
    public async Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        Refuse(selection);
        var chosen = Choose(manifest, selection);
        _tools = new MongodbTools(_settings, _mark);
        var tool = await _tools.ReadVersionAsync(_tools.Restore, cancellation);
        var (version, present) = await ReadTargetAsync(chosen, selection, cancellation);
        DumpChoice.RequireNotNewer(manifest, MongodbTools.Product, version, _tools.Server);
        if (!selection.Drop && present.Count > 0)
        {
            throw new ConflictException(
                $"database {string.Join(", ", present)} is there already on {_tools.Server}; nothing was changed",
                selection.Globals ? "--globals brings back a whole server, users and roles included: give it an empty one" : "--into NAME brings it back under another name, beside it; --drop replaces its collections");
        }

        var steps = chosen.Select(c => new DumpRestoreStep(
            c.Stream, selection.Globals ? null : selection.Into ?? string.Join(", ", c.Databases), IsNew: !c.Databases.Any(name => present.Contains(selection.Into ?? name))));
        _arguments.AddRange(selection.Drop ? ["--drop"] : []);
        _arguments.AddRange(selection.Globals && chosen.Any(c => c.Stream.Counts.Any(count => count.Name == MongodbArchive.Oplog)) ? ["--oplogReplay"] : []);
        _arguments.AddRange(selection.Globals ? [] : chosen.SelectMany(c => c.Databases).Distinct(StringComparer.Ordinal).Select(name => MongodbLoad.Only(name)));
        _arguments.AddRange(selection.Into is { } into ? MongodbLoad.Renamed(chosen[0].Databases[0], into) : []);
        return new DumpRestorePlan(entry, manifest, tool, _tools.Server, [.. steps]);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        await MongodbLoad.RunAsync(_tools!, _arguments, step.Into ?? "the server", copy, cancellation);
        return Notes(step);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _tools?.Dispose();
        return ValueTask.CompletedTask;
    }

    // Database by database: who restores need not be allowed to dump everything.
    async Task<(string Version, IReadOnlyList<string> Present)> ReadTargetAsync(
        List<(DumpStreamRecord Stream, IReadOnlyList<string> Databases)> chosen, DumpSelection selection, CancellationToken cancellation)
    {
        var version = "";
        var present = new List<string>();
        foreach (var asked in selection.Globals ? [null] : chosen.SelectMany(c => c.Databases).Select(name => selection.Into ?? name).Distinct(StringComparer.Ordinal).Cast<string?>())
        {
            var prelude = await _tools!.ReadPreludeAsync(asked, cancellation);
            version = prelude.ServerVersion;
            present.AddRange(prelude.Databases.Except(MongodbTools.Own));
        }

        return (version, present);
    }

    static void Refuse(DumpSelection selection)
    {
        if (selection.Tables.Count > 0 || selection.Schemas.Count > 0 || selection.NoOwner)
        {
            throw new RefusedInputException("--table, --schema and --no-owner are not for services of kind mongodb", "bring the database back beside the old one with --into NAME, and copy the collection from there");
        }

        if (selection.Into is { } into && MongodbTools.Own.Contains(into))
        {
            throw new RefusedInputException($"database {into} is the server's own", "choose another name");
        }

        if (selection.Globals && (selection.Database is not null || selection.Into is not null))
        {
            throw new RefusedInputException("--globals brings everything back, users, roles and oplog included, and cannot be with --database or --into", "leave one of them out");
        }
    }

    // What is asked for of each stream; a stream of everything has several databases.
    static List<(DumpStreamRecord Stream, IReadOnlyList<string> Databases)> Choose(DumpManifest manifest, DumpSelection selection)
    {
        var all = manifest.Streams.Select(stream => (Stream: stream, Databases: DatabasesOf(stream))).ToList();
        if (selection.Globals && all.Exists(s => s.Stream.Database is not null))
        {
            throw new RefusedInputException($"backup {manifest.Id} has databases that were named, and no users and roles", "leave --globals out");
        }

        if (selection.Database is { } name)
        {
            all = [.. all.Where(s => s.Databases.Contains(name)).Select(s => (s.Stream, (IReadOnlyList<string>)[name]))];
            if (all.Count == 0)
            {
                throw new RefusedInputException($"backup {manifest.Id} has no database \"{name}\"", NearestName.Hint(name, manifest.Streams.SelectMany(DatabasesOf), "its databases"));
            }
        }

        if (!selection.Globals && !all.Exists(s => s.Databases.Count > 0))
        {
            throw new RefusedInputException($"backup {manifest.Id} has no databases but the server's own", "--globals brings back users and roles");
        }

        return selection.Into is not null && all.Sum(s => s.Databases.Count) != 1
            ? throw new RefusedInputException("--into names one database, but there are several in the backup", $"add --database: {string.Join(", ", all.SelectMany(s => s.Databases))}")
            : all;
    }

    /// <summary>The databases that a stream holds, without the server's own.</summary>
    internal static IReadOnlyList<string> DatabasesOf(DumpStreamRecord stream) => stream.Database is { } database
        ? [database]
        : [.. stream.Counts.Select(count => count.Name).Where(key => key.Contains('.', StringComparison.Ordinal)).Select(key => key[..key.IndexOf('.', StringComparison.Ordinal)])
            .Distinct(StringComparer.Ordinal).Except(MongodbTools.Own)];

    List<string> Notes(DumpRestoreStep step)
    {
        var counts = step.Stream.Counts;
        var isWhole = step.Into is null;
        return
        [
            .. !isWhole && counts.Any(count => count.Name == MongodbArchive.Oplog)
                ? ["the oplog of the backup was not replayed, which takes the whole (--globals): each collection is as it was when it was read"] : Array.Empty<string>(),
            .. !isWhole && counts.Any(count => count.Name == Users)
                ? ["users and roles of the backup were not brought back, which takes the whole (--globals)"] : Array.Empty<string>(),
        ];
    }
}
