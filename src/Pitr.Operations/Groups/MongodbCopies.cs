using System.Globalization;
using System.Text;
using System.Text.Json;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Mongodb;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Groups;

/// <summary>Databases of MongoDB: copied by <c>mongodump</c> into <c>mongorestore</c>, which gives them another name; counted, listed and removed by <c>mongosh</c>.</summary>
sealed class MongodbCopies : ICopyingServer
{
    const int BlockSize = 256 << 10;

    // MongoDB Limits and Thresholds: database, dot and collection together, in bytes.
    const int LongestNamespace = 255;
    const string BucketsPrefix = "system.buckets.";

    readonly MongodbSettings _settings;
    readonly ToolMark _mark;
    MongodbTools? _opened;

    /// <param name="service">The service.</param>
    /// <param name="settings">Its settings.</param>
    public MongodbCopies(DumpService service, MongodbSettings settings) => (_settings, _mark) = (settings, new ToolMark($"group {service.StateDirectory}"));

    /// <inheritdoc/>
    public string Thing => "database";

    /// <inheritdoc/>
    public bool GoesOn => false;

    /// <inheritdoc/>
    public bool IsUnanswered => false;

    MongodbTools Tools => _opened ??= new MongodbTools(_settings, _mark);

    MongodbShell Shell => field ??= new MongodbShell(Tools);

    /// <inheritdoc/>
    public IDumpTarget OpenTarget() => new MongodbTarget(_settings, _mark);

    /// <inheritdoc/>
    public IReadOnlyList<string> NamesIn(DumpStreamRecord stream) => MongodbTarget.DatabasesOf(stream);

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes(DumpManifest manifest) =>
    [
        "users and roles stay as they are",
        .. manifest.Streams.SelectMany(s => s.Counts).Any(count => count.Name == MongodbArchive.Oplog)
            ? ["the oplog of the backup is not replayed: each collection comes back as it was when it was read"] : Array.Empty<string>(),
    ];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var answers = await Shell.RunAsync([MongodbCommand.Hello, MongodbCommand.ListDatabases], cancellation);
        return answers[0]!.Value.TryGetProperty("msg", out var message) && message.ValueEquals("isdbgrid")
            ? throw new ConflictException($"{Tools.Server} is the router of a sharded cluster, whose databases pitr cannot keep under another name; nothing was changed", "bring it back by its vendor's means")
            : [.. MongodbReply.DatabasesIn(answers[1]!.Value).Except(MongodbTools.Own).Where(name => _settings.Databases.Count == 0 || _settings.Databases.Contains(name)).Order(StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async Task<ComponentMove> LookAsync(ComponentMove move, CancellationToken cancellation)
    {
        var answers = await Shell.RunAsync([MongodbCommand.ConnectionStatus, MongodbCommand.ListCollections(move.Place)], cancellation);
        foreach (var database in new[] { move.Place, move.Aside, move.Undone })
        {
            if (MongodbReply.MissingRights(answers[0]!.Value, database) is { Count: > 0 } missing)
            {
                throw new ServerException(
                    $"the user of service {_settings.Name} may not {string.Join(", ", missing)} in database {database} on {Tools.Server}; nothing was changed", "give it the roles backup and restore of database admin");
            }

            if (MongodbReply.CollectionsIn(answers[1]!.Value).FirstOrDefault(c => LengthOf(database, c) > LongestNamespace) is { Name: { } tooLong })
            {
                throw new ConflictException(
                    string.Create(CultureInfo.InvariantCulture, $"collection {tooLong} could not be kept in database {database}: together their names are longer than {LongestNamespace} bytes; nothing was changed"),
                    "bring the service back by itself: pitr restore --into");
            }
        }

        return move;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> SettleAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<string>>([.. _mark.EndAll().Select(name => $"{name}, which a run that was killed had left at work, was ended")]);

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellation) =>
        MongodbReply.CollectionsIn((await Shell.RunAsync([MongodbCommand.ListCollections(name)], cancellation))[0]!.Value).Count > 0;

    /// <inheritdoc/>
    public async Task CopyAsync(string from, string to, Action<long, long> progress, CancellationToken cancellation)
    {
        await RemoveAsync(to, cancellation);
        await using (var feed = new MongodbFeed(new ToolFeed(Tools.Start(Tools.Dump, MongodbTools.DumpArguments(from, withOplog: false))), $"the archive of {from}", Tools.Clean))
        {
            string[] arguments = [MongodbLoad.Only(from), .. MongodbLoad.Renamed(from, to)];
            await MongodbLoad.RunAsync(Tools, arguments, to, destination => PumpAsync(feed, from, destination, bytes => progress(bytes, 0), cancellation), cancellation);
        }

        var (here, there) = await ContentsAsync(from, to, cancellation);
        if (here.Except(there).Concat(there.Except(here)).FirstOrDefault() is { } different)
        {
            throw new ServerException(
                $"database {to}, the copy of {from} on {Tools.Server}, is not the same: {(here.Contains(different) ? "it lacks" : "only it has")} {different}", "stop what writes to it, and try again; the server's log may say more");
        }
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string name, CancellationToken cancellation)
    {
        var present = (await Shell.RunAsync([MongodbCommand.ListCollections(name)], cancellation))[0]!.Value;
        if (MongodbReply.HasNothing(present))
        {
            return;
        }

        var answers = await Shell.RunAsync([.. MongodbReply.CollectionsIn(present).Select(c => MongodbCommand.Drop(name, c.Name)), MongodbCommand.ListCollections(name)], cancellation);
        var left = answers[^1]!.Value;
        if (MongodbReply.CollectionsIn(left) is [var first, ..])
        {
            throw new ServerException($"collection {first.Name} of database {name} on {Tools.Server} is there again after it was removed", "stop what writes to it, and try again");
        }

        // Views leave an empty collection of the server's own.
        await Shell.RunAsync(MongodbReply.HasNothing(left) ? [] : [MongodbCommand.DropEmptyDatabase(name)], cancellation);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _opened?.Dispose();
        return ValueTask.CompletedTask;
    }

    async Task PumpAsync(MongodbFeed feed, string from, Stream destination, Action<long> progress, CancellationToken cancellation)
    {
        var block = new byte[BlockSize];
        var done = 0L;
        while (await feed.Output.ReadAsync(block, cancellation) is > 0 and var read)
        {
            await destination.WriteAsync(block.AsMemory(0, read), cancellation);
            progress(done += read);
        }

        if (await feed.WaitAsync(cancellation) is not 0 and var code)
        {
            throw new ServerException(string.Create(CultureInfo.InvariantCulture, $"{feed.Name} failed with code {code} while it read database {from}: {feed.Messages}"), MongodbTools.Hint(feed.Messages));
        }
    }

    // What two databases hold, a line each, so that they can be compared. Each start of the shell takes a second.
    async Task<(IReadOnlyList<string> Here, IReadOnlyList<string> There)> ContentsAsync(string here, string there, CancellationToken cancellation)
    {
        var listed = await Shell.RunAsync([MongodbCommand.ListCollections(here), MongodbCommand.ListCollections(there)], cancellation);
        var (ours, theirs) = (MongodbReply.CollectionsIn(listed[0]!.Value), MongodbReply.CollectionsIn(listed[1]!.Value));
        var answers = await Shell.RunAsync([.. Questions(here, ours), .. Questions(there, theirs)], cancellation);
        var first = Questions(here, ours).Count();
        return (Lines(ours, [.. answers.Take(first)]), Lines(theirs, [.. answers.Skip(first)]));
    }

    static IEnumerable<MongodbCommand> Questions(string database, IEnumerable<MongodbCollection> collections) =>
        collections.Where(c => !c.IsView).SelectMany(c => new[] { MongodbCommand.Count(database, c.Name), MongodbCommand.ListIndexes(database, c.Name) });

    static IReadOnlyList<string> Lines(IReadOnlyList<MongodbCollection> collections, IReadOnlyList<JsonElement?> answers) =>
    [
        .. collections.Where(c => c.IsView).Select(c => $"view {c.Name}"),
        .. collections.Where(c => !c.IsView).Select((c, i) => string.Create(
            CultureInfo.InvariantCulture,
            $"{c.Type} {c.Name} with {MongodbReply.CountIn(answers[2 * i]!.Value)} documents and indexes {string.Join(", ", MongodbReply.IndexesIn(answers[(2 * i) + 1]!.Value))}")),
    ];

    static int LengthOf(string database, MongodbCollection collection) =>
        Encoding.UTF8.GetByteCount(database) + 1 + Encoding.UTF8.GetByteCount(collection.Name) + (collection.IsTimeseries ? BucketsPrefix.Length : 0);
}
