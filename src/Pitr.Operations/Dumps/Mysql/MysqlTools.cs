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
    /// <summary>The product that is not MySQL.</summary>
    public const string MariaDb = "MariaDB";

    const string Packages = "mariadb-client or default-mysql-client on Debian and Ubuntu";

    const string ErrorMark = "ERROR ";

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
        return (row[0].Contains(MariaDb, StringComparison.OrdinalIgnoreCase) ? MariaDb : "MySQL", row[0], row[1] is "1" or "ON");
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

    /// <summary>Counts what a database holds.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<ServerCount>> CountAsync(string database, CancellationToken cancellation)
    {
        var name = Literal(database);
        var rows = await QueryAsync(
            $"""
            SELECT CASE table_type WHEN 'VIEW' THEN 'views' WHEN 'SEQUENCE' THEN 'sequences' ELSE 'tables' END, count(*) FROM information_schema.tables WHERE table_schema = {name} GROUP BY 1
            UNION ALL SELECT 'routines', count(*) FROM information_schema.routines WHERE routine_schema = {name}
            UNION ALL SELECT 'events', count(*) FROM information_schema.events WHERE event_schema = {name}
            UNION ALL SELECT 'triggers', count(*) FROM information_schema.triggers WHERE trigger_schema = {name}
            """,
            cancellation);
        return [.. rows.Select(row => new ServerCount(row[0], Number(row[1]))).Where(c => c.Number > 0)];
    }

    /// <summary>The tables of a database whose rows are in this server, by name.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<string>> ReadTablesAsync(string database, CancellationToken cancellation) =>
        [.. (await QueryAsync(
            $"""
            SELECT table_name FROM information_schema.tables
            WHERE table_schema = {Literal(database)} AND table_type NOT IN ('VIEW', 'SEQUENCE') AND coalesce(engine, '') NOT IN ('FEDERATED', 'SPIDER', 'CONNECT', 'S3') ORDER BY table_name
            """,
            cancellation)).Select(row => row[0])];

    /// <summary>Reads a table to its end.</summary>
    /// <returns>How many rows it has.</returns>
    /// <exception cref="ServerException">It cannot be read.</exception>
    public async Task<long> CountRowsAsync(string database, string table, CancellationToken cancellation) =>
        Number((await QueryAsync($"SELECT count(*) FROM {Identifier(database)}.{Identifier(table)}", cancellation))[0][0]);

    /// <summary>The accounts that views, triggers, routines and events run as, each as SQL writes it.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<string>> ReadDefinersAsync(CancellationToken cancellation)
    {
        var rows = await QueryAsync(
            $"""
            SELECT definer FROM information_schema.views WHERE table_schema NOT IN ({Own}) UNION SELECT definer FROM information_schema.triggers WHERE trigger_schema NOT IN ({Own})
            UNION SELECT definer FROM information_schema.routines WHERE routine_schema NOT IN ({Own}) UNION SELECT definer FROM information_schema.events WHERE event_schema NOT IN ({Own})
            """,
            cancellation);
        return [.. rows.Select(row => row[0]).Where(definer => definer.Contains('@', StringComparison.Ordinal)).Select(definer =>
        {
            var at = definer.LastIndexOf('@');
            return $"{Literal(definer[..at])}@{Literal(definer[(at + 1)..])}";
        })];
    }

    /// <summary>Asks a query in the form that tells NULL from the text, XML.</summary>
    /// <param name="database">The database it is asked in; empty: none.</param>
    /// <param name="sql">The query.</param>
    /// <param name="cancellation">Ends the client.</param>
    /// <returns>One XML document after the other, one for each statement that gives rows.</returns>
    /// <exception cref="ServerException">The server refuses.</exception>
    public async Task<string> AskXmlAsync(string database, string sql, CancellationToken cancellation)
    {
        string[] into = database.Length > 0 ? [$"--database={database}"] : [];
        var (code, output, messages) = await ToolRun.RunAsync(Client, [.. Connection(), "--xml", "--binary-mode", .. into], Environment, cancellation, sql);
        return code == 0 ? output : throw new ServerException(messages, Hint(messages));
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

    static string Literal(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

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

    /// <summary>Asks for rows.</summary>
    /// <param name="sql">Nothing secret: every user of the host can read it.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">The server cannot be reached, or refuses.</exception>
    public async Task<List<string[]>> QueryAsync(string sql, CancellationToken cancellation)
    {
        var (code, output, messages) = await ToolRun.RunAsync(
            Client, [.. Connection(), "--batch", "--skip-column-names", $"--execute={sql}"], Environment, cancellation);
        return code == 0
            ? [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t').Select(Unescaped).ToArray())]
            : throw new ServerException($"{Server} does not answer: {messages}", Hint(messages));
    }

    /// <summary>Runs statements that may hold secrets: they go through the client's standard input.</summary>
    /// <param name="statements">Without a semicolon behind each.</param>
    /// <param name="goOn">Whether the others are run when one fails.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The client's exit code and the errors, without what they quote.</returns>
    public Task<(int Code, IReadOnlyList<string> Errors)> RunAsync(IEnumerable<string> statements, bool goOn, CancellationToken cancellation) => Task.Run(
        async () =>
        {
            await using var client = Start(Client, ["--batch", "--binary-mode", .. goOn ? new[] { "--force" } : []]);
            try
            {
                await client.Input.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(statements.Prepend("SET SESSION sql_mode = ''").Select(statement => $"{statement};\n"))), cancellation);
                client.Input.Close();
            }
            catch (IOException)
            {
                // It has stopped reading; its exit code says why.
            }

            var code = await client.WaitAsync(cancellation);
            return (code, (IReadOnlyList<string>)[.. client.Messages.Split(System.Environment.NewLine).Where(line => line.StartsWith(ErrorMark, StringComparison.Ordinal)).Select(ErrorOf)]);
        },
        cancellation);

    /// <summary>The client's error in a message, without the piece of the statement that a server quotes: a password hash may be in it.</summary>
    public static string ErrorOf(string message)
    {
        var error = message[Math.Max(0, message.IndexOf(ErrorMark, StringComparison.Ordinal))..];
        var quoted = error.IndexOf(" near '", StringComparison.Ordinal);
        return quoted < 0 ? error : error[..quoted];
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
