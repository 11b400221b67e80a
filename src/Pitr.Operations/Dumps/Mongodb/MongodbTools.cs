using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pitr.Operations.Configuration;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>
/// <c>mongodump</c> and <c>mongorestore</c>, told how to reach the server: password and URI by <c>--config</c> with a file that exists in memory only, everything else as arguments.
/// They are all there is to ask a server with: what it is and has stands at the beginning of an archive.
/// </summary>
/// <param name="settings">The service.</param>
/// <param name="mark">What they have in their environment, so that they are found when pitr has been killed; null for nothing.</param>
sealed class MongodbTools(MongodbSettings settings, ToolMark? mark = null) : IDisposable
{
    /// <summary>What the server is called in the catalog.</summary>
    public const string Product = "MongoDB";

    /// <summary>Databases that every server has for itself.</summary>
    public static readonly IReadOnlyList<string> Own = ["admin", "config", "local"];

    const string Packages = "mongodb-database-tools (MongoDB's own package)";
    const string ShellPackage = "mongodb-mongosh (MongoDB's own package)";
    const string ConfigOption = "--config";
    const int BlockSize = 64 << 10;

    static readonly JavaScriptEncoder Plain = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    MemoryFile? _secrets;

    /// <summary>The dump tool.</summary>
    public string Dump { get; } = ToolFinder.Find(["mongodump"], settings.BinDirectory, Packages);

    /// <summary>The restore tool.</summary>
    public string Restore => ToolFinder.Find(["mongorestore"], settings.BinDirectory, Packages);

    /// <summary>The shell, which runs what no tool does.</summary>
    /// <exception cref="ServerException">It is not there.</exception>
    public string Shell => ToolFinder.Find(["mongosh"], settings.BinDirectory, ShellPackage);

    /// <summary>A connection string with everything in it, the password, too.</summary>
    public string Uri => settings.Uri?.Reveal()
        ?? string.Create(CultureInfo.InvariantCulture, $"mongodb://{Credentials()}{Host()}:{settings.Server.Port}/?authSource={Escaped(settings.AuthenticationDatabase)}&directConnection=true");

    /// <summary>The server, for messages.</summary>
    public string Server => settings.Uri is null ? $"MongoDB at {settings.Server}" : "MongoDB at the uri of the service";

    /// <summary>What a tool calls itself and its version: "mongodump 100.9.4".</summary>
    /// <exception cref="ServerException">It is too old to take a password from a file.</exception>
    public async Task<string> ReadVersionAsync(string tool, CancellationToken cancellation)
    {
        var name = Path.GetFileName(tool);
        var (_, output, _) = await ToolRun.RunAsync(tool, ["--version"], Nothing, cancellation);
        var words = output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        // "mongodump version: 100.9.4"
        var version = words.SkipWhile(word => word != "version:").Skip(1).FirstOrDefault();
        var (_, help, _) = await ToolRun.RunAsync(tool, ["--help"], Nothing, cancellation);
        return help.Contains(ConfigOption, StringComparison.Ordinal)
            ? $"{name} {version}"
            : throw new ServerException($"{name} {version} is too old: it has no {ConfigOption}, without which a password would be seen by everybody on this host", $"install a later version of {Packages}");
    }

    /// <summary>
    /// What the server says at the beginning of a dump, of which no more is read.
    /// </summary>
    /// <param name="database">The only database to ask for; null for all.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public Task<MongodbArchive> ReadPreludeAsync(string? database, CancellationToken cancellation) => Task.Run(
        async () =>
        {
            await using var feed = new ToolFeed(Start(Dump, DumpArguments(database, withOplog: false)));
            var archive = new MongodbArchive();
            var block = new byte[BlockSize];
            while (!archive.IsPreludeRead && await feed.Output.ReadAsync(block, cancellation) is > 0 and var read)
            {
                archive.Add(block.AsSpan(0, read));
            }

            if (archive.IsPreludeRead)
            {
                return archive;
            }

            var code = await feed.WaitAsync(cancellation);
            var messages = Clean(feed.Messages);
            throw code != 0
                ? new ServerException($"{Server} does not answer: {messages}", Hint(messages))
                : new ServerException($"{feed.Name} ended well, but wrote no archive: {archive.WhyNotWhole()}: {messages}", "look at its version: it must be MongoDB's own");
        },
        cancellation);

    /// <summary>What mongodump is told.</summary>
    /// <param name="database">The only database; null for all.</param>
    /// <param name="withOplog">Whether what is written meanwhile is dumped as well, so that all collections are of one moment.</param>
    public static IEnumerable<string> DumpArguments(string? database, bool withOplog) =>
        ["--archive", .. database is null ? Array.Empty<string>() : [$"--db={database}"], .. withOplog ? new[] { "--oplog" } : []];

    /// <summary>Starts a tool.</summary>
    public ClientProgram Start(string tool, IEnumerable<string> arguments) => ClientProgram.Start(tool, [.. Connection(), .. arguments], Mark);

    /// <summary>Puts the mark into the environment of a tool.</summary>
    public void Mark(IDictionary<string, string?> environment) => mark?.Put(environment);

    /// <summary>Takes the secrets out of what a tool said.</summary>
    public string Clean(string messages) =>
        new[] { settings.Uri?.Reveal(), settings.Password?.Reveal(), settings.Password is { } password ? Escaped(password.Reveal()) : null }.OfType<string>().Aggregate(messages, (text, secret) => text.Replace(secret, SecretValue.Mask, StringComparison.Ordinal));

    /// <summary>The next step after a tool has failed; null when its messages say enough.</summary>
    public static string? Hint(string messages)
    {
        return Has("AuthenticationFailed", "auth error", "Authentication failed") ? "check user, password and authentication-database of the service"
            : Has("not authorized", "Unauthorized", "requires authentication") ? "the user of the service needs the role backup (or read, of the databases that are named), and restore to bring back"
            : Has("oplog") ? "oplog: true is for a member of a replica set, whose oplog must reach back to the beginning of the dump; leave it out for a single server"
            : Has("server selection", "connection refused", "no reachable servers", "could not connect", "no such host") ? "is the server running there, and are host, port or uri right?"
            : Has("connection(", "unexpectedly closed", "connection pool", "EOF") ? "the server went away; its log says why"
            : null;

        bool Has(params string[] texts) => Array.Exists(texts, text => messages.Contains(text, StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public void Dispose() => _secrets?.Dispose();

    IEnumerable<string> Connection()
    {
        if (Secrets() is { Length: > 0 } secrets)
        {
            _secrets ??= new MemoryFile(secrets);
            yield return $"{ConfigOption}={_secrets.Path}";
        }

        if (settings.Uri is not null)
        {
            yield break;
        }

        yield return $"--host={settings.Server.Host}";
        yield return string.Create(CultureInfo.InvariantCulture, $"--port={settings.Server.Port}");
        if (settings.User is { } user)
        {
            yield return $"--username={user}";
            yield return $"--authenticationDatabase={settings.AuthenticationDatabase}";
        }
    }

    string Credentials() => settings.User is { } user ? $"{Escaped(user)}{(settings.Password is { } password ? $":{Escaped(password.Reveal())}" : "")}@" : "";

    string Host() => settings.Server.Host.Contains(':', StringComparison.Ordinal) ? $"[{settings.Server.Host}]" : settings.Server.Host;

    static string Escaped(string text) => System.Uri.EscapeDataString(text);

    // YAML, in which a string of JSON is one of its own.
    string Secrets() => string.Concat(Line("uri", settings.Uri), Line("password", settings.Password));

    static string Line(string key, SecretValue? value) => value is null ? "" : $"{key}: \"{JsonEncodedText.Encode(value.Reveal(), Plain)}\"\n";

    static void Nothing(IDictionary<string, string?> environment)
    {
        // They take nothing from it.
    }
}
