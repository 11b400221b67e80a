using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>
/// Brings databases back by <c>mongorestore --archive</c>: into what is not there, or with <c>--drop</c> in place of collections of the same names. Users and roles, and what the oplog holds,
/// come only with the whole (<c>--globals</c>).
/// </summary>
/// <param name="settings">The service, whose server it goes to.</param>
public sealed class MongodbTarget(MongodbSettings settings) : IDumpTarget
{
    const string FailedMark = "document(s) failed to restore";
    const string Users = "admin.system.users";

    readonly List<string> _arguments = ["--archive", "--stopOnError"];
    MongodbTools? _tools;

    /// <inheritdoc/>
    public async Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        Refuse(selection);
        var chosen = Choose(manifest, selection);
        _tools = new MongodbTools(settings);
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
        _arguments.AddRange(selection.Globals ? [] : chosen.SelectMany(c => c.Databases).Distinct(StringComparer.Ordinal).Select(name => $"--nsInclude={Pattern(name)}.*"));
        _arguments.AddRange(selection.Into is { } into ? [$"--nsFrom={Pattern(chosen[0].Databases[0])}.*", $"--nsTo={Pattern(into)}.*"] : []);
        return new DumpRestorePlan(entry, manifest, tool, _tools.Server, [.. steps]);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        await using var tool = _tools!.Start(_tools.Restore, _arguments);
        var reading = DrainAsync(tool.Output);
        try
        {
            await copy(tool.Input);
            tool.Input.Close();
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            // It has stopped reading; its exit code says why.
        }

        var code = await tool.WaitAsync(cancellation);
        await reading;
        var messages = _tools.Clean(tool.Messages);
        // Without --stopOnError it would go on, and end well; what it says at the end is believed more than its exit code.
        if (code != 0 || Lines(messages).Any(line => line.Contains(FailedMark, StringComparison.Ordinal) && !line.Contains($" 0 {FailedMark}", StringComparison.Ordinal)))
        {
            throw new ServerException(
                string.Create(CultureInfo.InvariantCulture, $"{tool.Name} failed with code {code}, and what it had restored into {step.Into ?? "the server"} stays there: {messages}"),
                MongodbTools.Hint(messages) ?? "drop what it made and restore again, or restore again with --drop; what went wrong stands above");
        }

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

    static IReadOnlyList<string> DatabasesOf(DumpStreamRecord stream) => stream.Database is { } database
        ? [database]
        : [.. stream.Counts.Select(count => count.Name).Where(key => key.Contains('.', StringComparison.Ordinal)).Select(key => key[..key.IndexOf('.', StringComparison.Ordinal)])
            .Distinct(StringComparer.Ordinal).Except(MongodbTools.Own)];

    // In a pattern of namespaces a star means anything.
    static string Pattern(string database) => database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal);

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

    static string[] Lines(string text) => text.Split(Environment.NewLine);

    // It writes nothing there; if it did, nobody reading would stop it.
    static Task DrainAsync(Stream output) => Task.Run(async () =>
    {
        var block = new byte[4096];
        while (await output.ReadAsync(block) > 0)
        {
            // What it is, does not matter.
        }
    });
}
