using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A double of MongoDB's tools and of a server behind them (tests/doubles/mongodb): it is not MongoDB, which cannot be had here.</summary>
sealed class MongodbDouble
{
    public const string User = "dumper";
    public const string Password = "s3cret: \"quoted\" #1";
    public const int Port = 27999;

    static readonly string Program = Path.Combine(AppContext.BaseDirectory, "doubles", "mongodb");

    readonly string _directory;

    MongodbDouble(string directory) => _directory = directory;

    /// <summary>Directory of the tools.</summary>
    public string Tools => _directory;

    /// <summary>With what the tools were called, a line each.</summary>
    public IReadOnlyList<string> Calls => File.Exists(Path.Combine(_directory, "calls")) ? File.ReadAllLines(Path.Combine(_directory, "calls")) : [];

    /// <summary>Has them fail.</summary>
    public string Fault { set => File.WriteAllText(Path.Combine(_directory, "fault"), value); }

    public static async Task<MongodbDouble> MakeAsync(string directory, params string[] options)
    {
        var made = new MongodbDouble(directory);
        await RunAsync(["make", directory, "--port", Port.ToString(CultureInfo.InvariantCulture), "--user", User, "--password", Password, .. options]);
        return made;
    }

    /// <summary>Puts documents with numbers from first to last into a collection.</summary>
    public Task LoadAsync(string database, string collection, int first, int last) =>
        RunAsync(["load", _directory, database, collection, first.ToString(CultureInfo.InvariantCulture), last.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Makes an index over a field.</summary>
    public Task IndexAsync(string database, string collection, string name, string field) => RunAsync(["index", _directory, database, collection, name, field]);

    /// <summary>Makes a view.</summary>
    public Task ViewAsync(string database, string name) => RunAsync(["view", _directory, database, name]);

    /// <summary>Removes a database.</summary>
    public Task RemoveAsync(string database) => RunAsync(["remove", _directory, database]);

    /// <summary>Names of the databases, without the server's own.</summary>
    public IReadOnlyList<string> Databases => [.. State().GetProperty("databases").EnumerateObject().Select(d => d.Name).Where(name => name != "admin").Order(StringComparer.Ordinal)];

    /// <summary>All that a database holds and is, as one text.</summary>
    public string ContentOf(string database)
    {
        var state = State();
        return string.Join('\n', state.GetProperty("databases").TryGetProperty(database, out var held)
            ? held.EnumerateObject().OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => $"{Of(state, "types", c.Name)} {c.Name} {Of(state, "indexes", c.Name)} {c.Value.GetRawText()}") : []);

        string Of(JsonElement all, string what, string collection) => all.GetProperty(what).TryGetProperty($"{database}.{collection}", out var found) && found.GetRawText() is not "\"collection\"" and not "{}" and var text ? text : "";
    }

    /// <summary>How many documents there are, by collection.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ShowAsync() =>
        JsonSerializer.Deserialize<Dictionary<string, int>>((await RunAsync(["show", _directory])).Output)!;

    /// <summary>Keys of a service that dumps it.</summary>
    public string Service(string passwordFile, string more = "") => $"""
        kind: mongodb
        port: {Port}
        user: {User}
        password: file:{passwordFile}
        bin-directory: {_directory}
        {more}
        """;

    JsonElement State() => JsonDocument.Parse(File.ReadAllText(Path.Combine(_directory, "server.json"))).RootElement;

    static async Task<ProgramRun> RunAsync(string[] arguments) => (await ProgramRun.RunAsync("/usr/bin/python3", [Program, .. arguments])).Must();
}
