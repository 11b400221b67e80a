using System.Globalization;
using Pitr.Operations.Configuration;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps.Redis;

/// <summary><c>redis-cli</c>, told how to reach the server: the password in its environment, everything else as arguments.</summary>
/// <param name="settings">The service.</param>
sealed class RedisTools(RedisSettings settings)
{
    const string VersionFact = "redis_version";

    /// <summary>Its path.</summary>
    public string Client { get; } = ToolFinder.Find(["redis-cli"], settings.BinDirectory, "redis-tools on Debian and Ubuntu");

    /// <summary>The server, for messages.</summary>
    public string Server => $"Redis at {settings.Server}";

    /// <summary>What the server says it is.</summary>
    /// <returns>Its version, and how many bytes its data takes in memory.</returns>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<(string Version, long Bytes)> ReadServerAsync(CancellationToken cancellation)
    {
        var facts = await ReadFactsAsync(cancellation);
        return (facts[VersionFact], long.TryParse(facts.GetValueOrDefault("used_memory_dataset"), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 0);
    }

    /// <summary>What the server says about itself (INFO), by name.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ReadFactsAsync(CancellationToken cancellation)
    {
        var (_, output, messages) = await ToolRun.RunAsync(Client, [.. Connection(), "INFO"], Environment, cancellation);
        var facts = output.Split('\n').Select(line => line.Trim().Split(':', 2)).Where(pair => pair.Length == 2).GroupBy(pair => pair[0]).ToDictionary(g => g.Key, g => g.First()[1], StringComparer.Ordinal);
        return facts.ContainsKey(VersionFact)
            ? facts
            : throw new ServerException($"{Server} does not answer: {string.Join(' ', new[] { output.Trim(), messages }.Where(t => t.Length > 0))}", Hint(output + messages));
    }

    /// <summary>Where the server keeps its data, by the names of its settings; empty where the user may not ask.</summary>
    /// <exception cref="ServerException">It cannot be reached.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ReadConfigurationAsync(CancellationToken cancellation)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in (string[])["dir", "dbfilename", "appendonly", "appenddirname", "appendfilename"])
        {
            // A setting that a version does not know has no lines; a refusal is one line.
            var (code, output, messages) = await ToolRun.RunAsync(Client, [.. Connection(), "CONFIG", "GET", name], Environment, cancellation);
            if (code != 0)
            {
                throw new ServerException($"{Server} does not answer: {messages}", Hint(messages));
            }

            if (output.TrimEnd('\n').Split('\n', 2) is [var known, var value] && known == name)
            {
                found[name] = value;
            }
        }

        return found;
    }

    /// <summary>The keys of each database that has any, as the server counts them: expired ones may still be among them.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<ServerCount>> CountAsync(CancellationToken cancellation) => Counts(await ReadFactsAsync(cancellation));

    /// <summary>The keys of each database, out of <see cref="ReadFactsAsync"/>.</summary>
    public static IReadOnlyList<ServerCount> Counts(IReadOnlyDictionary<string, string> facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        // db0:keys=20001,expires=3,avg_ttl=0
        return [.. facts.Where(fact => fact.Value.StartsWith("keys=", StringComparison.Ordinal)).Select(fact =>
        {
            var numbers = fact.Value.Split(',').Select(part => part.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
            return new ServerCount($"keys in {fact.Key}", Number(numbers.GetValueOrDefault("keys")), Number(numbers.GetValueOrDefault("expires")));
        })];

        static long Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    /// <summary>Runs one command, written as redis-cli reads it.</summary>
    /// <param name="database">Number of the database.</param>
    /// <param name="command">One line.</param>
    /// <param name="cancellation">Ends the client.</param>
    /// <returns>The reply as redis-cli shows it to people: texts in quotes, <c>(integer)</c>, <c>(nil)</c>, <c>(error)</c>.</returns>
    /// <exception cref="ServerException">The server cannot be reached.</exception>
    public async Task<string> AskAsync(string database, string command, CancellationToken cancellation)
    {
        var (code, output, messages) = await ToolRun.RunAsync(Client, [.. Connection(), "-n", database, "--no-raw"], Environment, cancellation, command + "\n");
        return code == 0 ? output.TrimEnd('\n') : throw new ServerException($"{Server} does not answer: {output.Trim()} {messages}", Hint(output + messages));
    }

    /// <summary>What the tool calls itself.</summary>
    public async Task<string> ReadVersionAsync(CancellationToken cancellation)
    {
        // "redis-cli 7.0.15"
        var (_, output, _) = await ToolRun.RunAsync(Client, ["--version"], Environment, cancellation);
        return string.Join(' ', output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Take(2));
    }

    /// <summary>Starts it so that it writes what the server holds to its standard output.</summary>
    public ClientProgram StartDump() => ClientProgram.Start(Client, [.. Connection(), "--rdb", "-"], Environment);

    /// <summary>The next step after it has failed; null when its messages say enough.</summary>
    public static string? Hint(string messages) => messages switch
    {
        _ when messages.Contains("WRONGPASS", StringComparison.Ordinal) || messages.Contains("NOAUTH", StringComparison.Ordinal) => "check user and password of the service",
        _ when messages.Contains("NOPERM", StringComparison.Ordinal) => "the user of the service needs the commands INFO, PING, SYNC, PSYNC and REPLCONF",
        _ when messages.Contains("Could not connect", StringComparison.Ordinal) => "is the server running there, and are host, port or socket right?",
        _ when messages.Contains("I/O Error", StringComparison.Ordinal) => "the server went away while it was dumped; its log says why",
        _ => null,
    };

    IEnumerable<string> Connection()
    {
        if (settings.Server.Socket is { } socket)
        {
            yield return "-s";
            yield return socket;
        }
        else
        {
            yield return "-h";
            yield return settings.Server.Host;
            yield return "-p";
            yield return settings.Server.Port.ToString(CultureInfo.InvariantCulture);
        }

        if (settings.User is { } user)
        {
            yield return "--user";
            yield return user;
        }

        yield return "--no-auth-warning";
    }

    void Environment(IDictionary<string, string?> environment)
    {
        environment.Remove("REDISCLI_AUTH");
        if (settings.Password is { } password)
        {
            environment["REDISCLI_AUTH"] = password.Reveal();
        }
    }
}
