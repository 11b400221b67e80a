using System.Globalization;
using System.Text;
using Pitr.Operations.Configuration;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>The vendor's client and dump tool, told how to reach the server: the password in their environment, everything else as arguments.</summary>
/// <param name="settings">The service.</param>
sealed class MysqlTools(MysqlSettings settings)
{
    const string Packages = "mariadb-client or default-mysql-client on Debian and Ubuntu";

    // Databases that the server makes itself.
    const string Own = "'information_schema', 'performance_schema', 'mysql', 'sys'";

    /// <summary>The client: <c>mariadb</c> or <c>mysql</c>.</summary>
    public string Client { get; } = ToolFinder.Find(["mariadb", "mysql"], settings.BinDirectory, Packages);

    /// <summary>The dump tool: <c>mariadb-dump</c> or <c>mysqldump</c>.</summary>
    public string Dump { get; } = ToolFinder.Find(["mariadb-dump", "mysqldump"], settings.BinDirectory, Packages);

    /// <summary>The server, for messages.</summary>
    public string Server => $"the server at {settings.Server}";

    /// <summary>What the server says it is.</summary>
    /// <returns>"MariaDB" or "MySQL", its version, and whether it writes a binary log.</returns>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<(string Product, string Version, bool HasBinaryLog)> ReadServerAsync(CancellationToken cancellation)
    {
        var row = (await QueryAsync("SELECT VERSION(), @@log_bin", cancellation))[0];
        return (row[0].Contains("MariaDB", StringComparison.OrdinalIgnoreCase) ? "MariaDB" : "MySQL", row[0], row[1] is "1" or "ON");
    }

    /// <summary>The databases that people use, by name, with what has to be said to make one like it.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<MysqlDatabase>> ReadDatabasesAsync(CancellationToken cancellation)
    {
        var rows = await QueryAsync(
            $"""
            SELECT s.schema_name, s.default_character_set_name, s.default_collation_name,
                   (SELECT coalesce(sum(data_length + index_length), 0) FROM information_schema.tables t WHERE t.table_schema = s.schema_name),
                   (SELECT count(*) FROM information_schema.tables t WHERE t.table_schema = s.schema_name)
                   + (SELECT count(*) FROM information_schema.routines r WHERE r.routine_schema = s.schema_name)
                   + (SELECT count(*) FROM information_schema.events e WHERE e.event_schema = s.schema_name)
            FROM information_schema.schemata s WHERE s.schema_name NOT IN ({Own}) ORDER BY s.schema_name
            """,
            cancellation);
        return [.. rows.Select(row => new MysqlDatabase(row[0], row[1], row[2], Number(row[3]), Number(row[4])))];
    }

    /// <summary>Runs a statement that answers with nothing.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public Task ExecuteAsync(string sql, CancellationToken cancellation) => QueryAsync(sql, cancellation);

    /// <summary>What a tool calls itself and its version, as the vendor writes it.</summary>
    public async Task<string> ReadVersionAsync(string tool, CancellationToken cancellation)
    {
        var (_, output, _) = await ToolRun.RunAsync(tool, ["--version"], Environment, cancellation);
        // "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)", "mariadb from 11.4.2-MariaDB, client 15.2 for Linux", "mysqldump  Ver 8.0.36 for Linux on x86_64"
        var words = output.Split([' ', ',', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var version = new[] { "Distrib", "from", "Ver" }.Select(before => words.SkipWhile(word => word != before).Skip(1).FirstOrDefault()).FirstOrDefault(word => word is not null);
        return $"{Path.GetFileName(tool)} {version}";
    }

    /// <summary>Whether the dump tool knows an option.</summary>
    public async Task<Func<string, bool>> ReadOptionsAsync(CancellationToken cancellation)
    {
        var (_, help, _) = await ToolRun.RunAsync(Dump, ["--no-defaults", "--help"], Environment, cancellation);
        return option => help.Contains(option, StringComparison.Ordinal);
    }

    /// <summary>Starts a tool.</summary>
    public ClientProgram Start(string tool, IEnumerable<string> arguments) => ClientProgram.Start(tool, [.. Connection(), .. arguments], Environment);

    /// <summary>A name as an identifier that means exactly it.</summary>
    public static string Identifier(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>The next step after a tool has failed; null when its messages say enough.</summary>
    public static string? Hint(string messages) => messages switch
    {
        _ when messages.Contains("Access denied for user", StringComparison.Ordinal) => "check user and password of the service, and what the user may do: SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, and with a binary log RELOAD and BINLOG MONITOR or REPLICATION CLIENT",
        _ when messages.Contains("SUPER privilege", StringComparison.Ordinal) || messages.Contains("command denied", StringComparison.Ordinal) => "make the user of the service one that may: triggers, routines, views and events have a definer, and with a binary log making them needs SUPER or log_bin_trust_function_creators",
        _ when messages.Contains("Can't connect", StringComparison.Ordinal) => "is the server running there, and are host, port or socket right?",
        _ when messages.Contains("Lost connection", StringComparison.Ordinal) || messages.Contains("gone away", StringComparison.Ordinal) => "the server went away; its error log says why",
        _ => null,
    };

    // No option file but the one that is named: what happens to lie in a home directory must not send the tools to another server.
    IEnumerable<string> Connection()
    {
        yield return settings.OptionFile is { } file ? $"--defaults-file={file}" : "--no-defaults";
        if (settings.Server.Socket is { } socket)
        {
            yield return $"--socket={socket}";
        }
        else
        {
            yield return $"--host={settings.Server.Host}";
            yield return string.Create(CultureInfo.InvariantCulture, $"--port={settings.Server.Port}");
            yield return "--protocol=TCP";
        }

        if (settings.User is { } user)
        {
            yield return $"--user={user}";
        }

        yield return "--default-character-set=utf8mb4";
    }

    void Environment(IDictionary<string, string?> environment)
    {
        environment.Remove("MYSQL_HOST");
        environment.Remove("MYSQL_TCP_PORT");
        environment.Remove("MYSQL_UNIX_PORT");
        environment.Remove("MYSQL_PWD");
        if (settings.Password is { } password)
        {
            environment["MYSQL_PWD"] = password.Reveal();
        }
    }

    /// <summary>Asks the server; each row has its values as text.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<List<string[]>> QueryAsync(string sql, CancellationToken cancellation)
    {
        var (code, output, messages) = await ToolRun.RunAsync(
            Client, [.. Connection(), "--batch", "--skip-column-names", $"--execute={sql}"], Environment, cancellation);
        return code == 0
            ? [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t').Select(Unescaped).ToArray())]
            : throw new ServerException($"{Server} does not answer: {messages}", Hint(messages));
    }

    static long Number(string text) => (long)decimal.Parse(text, CultureInfo.InvariantCulture);

    // As --batch writes values: \n, \t, \0 and \\.
    static string Unescaped(string value)
    {
        if (!value.Contains('\\', StringComparison.Ordinal))
        {
            return value;
        }

        var text = new StringBuilder();
        for (var i = 0; i < value.Length; i++)
        {
            text.Append(value[i] != '\\' || i + 1 == value.Length ? value[i] : value[++i] switch { 'n' => '\n', 't' => '\t', '0' => '\0', var c => c });
        }

        return text.ToString();
    }
}
