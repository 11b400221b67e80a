using System.Globalization;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>Has <c>mongorestore</c> take an archive.</summary>
static class MongodbLoad
{
    const string FailedMark = "document(s) failed to restore";

    static readonly string[] Always = ["--archive", "--stopOnError"];

    /// <summary>The argument that lets a database through, and with others of its kind nothing else.</summary>
    public static string Only(string database) => $"--nsInclude={Pattern(database)}.*";

    /// <summary>The arguments that give a database another name.</summary>
    public static IReadOnlyList<string> Renamed(string from, string to) => [$"--nsFrom={Pattern(from)}.*", $"--nsTo={Pattern(to)}.*"];

    /// <summary>Runs it to its end. What it had restored when it fails stays.</summary>
    /// <param name="tools">The tools.</param>
    /// <param name="arguments">What it is told of what to restore, and where to.</param>
    /// <param name="into">Where to, for messages.</param>
    /// <param name="copy">Writes the archive.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">It failed.</exception>
    public static async Task RunAsync(MongodbTools tools, IEnumerable<string> arguments, string into, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        await using var tool = tools.Start(tools.Restore, [.. Always, .. arguments]);
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
        var messages = tools.Clean(tool.Messages);
        // Without --stopOnError it would go on, and end well; what it says at the end is believed more than its exit code.
        if (code != 0 || messages.Split(Environment.NewLine).Any(line => line.Contains(FailedMark, StringComparison.Ordinal) && !line.Contains($" 0 {FailedMark}", StringComparison.Ordinal)))
        {
            throw new ServerException(
                string.Create(CultureInfo.InvariantCulture, $"{tool.Name} failed with code {code}, and what it had restored into {into} stays there: {messages}"),
                MongodbTools.Hint(messages) ?? "drop what it made and restore again, or restore again with --drop; what went wrong stands above");
        }
    }

    // In a pattern of namespaces a star means anything.
    static string Pattern(string database) => database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal);

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
