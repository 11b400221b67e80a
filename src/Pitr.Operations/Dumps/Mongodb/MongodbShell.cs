using System.Text;
using System.Text.Json;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>
/// Commands of the server's, run by <c>mongosh</c>: the dump tools remove nothing. The shell is given a script of a few lines, which reads the connection string and the commands from a
/// second file; both exist in memory only, and the secret is in neither its arguments nor its script.
/// </summary>
/// <param name="tools">How to reach the server.</param>
sealed class MongodbShell(MongodbTools tools)
{
    const string AnswerMark = "pitr-answer ";
    const string RefusalMark = "pitr-refusal ";

    // In a script of mongosh what answers later is waited for by itself (mongosh, Write Scripts).
    const string Script = """
        const asked = JSON.parse(require('fs').readFileSync('FILE', 'utf8'));
        let server = null;
        for (const one of asked.commands) {
          try {
            if (server === null) server = connect(asked.uri);
            print('pitr-answer ' + EJSON.stringify(server.getSiblingDB(one.database).runCommand(one.command)));
          } catch (error) {
            print('pitr-refusal ' + EJSON.stringify({ code: error.code || 0, message: String(error.message) }));
            if (!one.welcome.includes(error.code)) break;
          }
        }

        """;

    /// <summary>Runs commands, one after the other; one that the server refuses ends it.</summary>
    /// <returns>What the server answered to each; null where it refused, and that was welcome.</returns>
    /// <exception cref="ServerException">It cannot be reached, or refuses; the shell is missing.</exception>
    public async Task<IReadOnlyList<JsonElement?>> RunAsync(IReadOnlyList<MongodbCommand> commands, CancellationToken cancellation)
    {
        if (commands.Count == 0)
        {
            return [];
        }

        using var input = new MemoryFile(Encoding.UTF8.GetString(Input(commands)));
        using var script = new MemoryFile(Script.Replace("FILE", input.Path, StringComparison.Ordinal));
        var (code, output, messages) = await ToolRun.RunAsync(tools.Shell, ["--nodb", "--norc", "--quiet", $"--file={script.Path}"], tools.Mark, cancellation);
        var answers = new List<JsonElement?>();
        foreach (var line in output.Split('\n'))
        {
            if (Behind(line, AnswerMark) is { } answer)
            {
                answers.Add(Parsed(answer));
            }
            else if (Behind(line, RefusalMark) is { } refusal)
            {
                RequireWelcome(Parsed(refusal), commands[Math.Min(answers.Count, commands.Count - 1)]);
                answers.Add(null);
            }
        }

        if (answers.Count != commands.Count)
        {
            var said = tools.Clean($"{messages} {output}".Trim());
            throw new ServerException($"mongosh ended with {code} and answered {answers.Count} of {commands.Count} commands: {said}", "try it by hand: mongosh --nodb --norc --quiet --file SCRIPT, with connect(…) in the script");
        }

        return answers;
    }

    byte[] Input(IReadOnlyList<MongodbCommand> commands)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("uri", tools.Uri);
            writer.WriteStartArray("commands");
            foreach (var command in commands)
            {
                writer.WriteStartObject();
                writer.WriteString("database", command.Database);
                writer.WriteStartArray("welcome");
                foreach (var welcome in command.Welcome)
                {
                    writer.WriteNumberValue(welcome);
                }

                writer.WriteEndArray();
                writer.WritePropertyName("command");
                writer.WriteRawValue(command.Json);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    void RequireWelcome(JsonElement refusal, MongodbCommand command)
    {
        var code = refusal.TryGetProperty("code", out var number) && number.ValueKind == JsonValueKind.Number ? number.GetInt64() : 0;
        if (!command.Welcome.Contains(code))
        {
            var message = tools.Clean(refusal.TryGetProperty("message", out var text) ? text.ToString() : "");
            throw new ServerException(
                $"{tools.Server} does not do {command.Json} in database {command.Database}: {message}",
                code == MongodbCommand.Unauthorized ? "the user of the service needs the roles backup and restore" : MongodbTools.Hint(message));
        }
    }

    JsonElement Parsed(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new ServerException($"mongosh answers what is no JSON: {tools.Clean(text)}", "look at its version: it must be MongoDB's own", e);
        }
    }

    static string? Behind(string line, string mark) => line.StartsWith(mark, StringComparison.Ordinal) ? line[mark.Length..] : null;
}
