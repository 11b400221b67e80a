using System.Text;
using Pitr.Operations.Dumps.Mysql;
using Pitr.Postgres;

namespace Pitr.Operations.Groups;

/// <summary>
/// Moves what a database of MySQL or MariaDB holds to another name. Tables are renamed, which touches no row. What cannot be renamed (views, triggers, routines,
/// events) is written to a file by the vendor's dump tool, and made anew from it on the way back.
/// </summary>
/// <param name="tools">The vendor's tools.</param>
sealed class MysqlDatabaseMove(MysqlTools tools)
{
    const int TailLength = 256;
    const int BlockSize = 64 << 10;

    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Somebody's open transaction must not make the restore wait for a day, which is the server's own limit.
    const string ShortWait = "SET SESSION lock_wait_timeout = 60;\n";

    static readonly string[] Code = ["--single-transaction", "--no-data", "--no-create-info", "--triggers", "--add-drop-trigger", "--routines", "--events"];
    static readonly string[] Views = ["--single-transaction", "--no-data", "--skip-triggers"];

    /// <summary>Whether there is a database of this name, and its default character set and collation.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public async Task<(string CharacterSet, string Collation)?> FindAsync(string database, CancellationToken cancellation) =>
        await tools.QueryAsync($"SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = {Text(database)}", cancellation)
            is [[var set, var collation], ..] ? (set, collation) : null;

    /// <summary>Foreign keys between a database and others, which would follow its tables to another name.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public async Task<IReadOnlyList<string>> ForeignKeysAsync(string database, CancellationToken cancellation)
    {
        var name = Text(database);
        var rows = await tools.QueryAsync(
            $"""
            SELECT constraint_schema, table_name, constraint_name, unique_constraint_schema FROM information_schema.referential_constraints
            WHERE unique_constraint_schema <> constraint_schema AND (constraint_schema = {name} OR unique_constraint_schema = {name})
            """,
            cancellation);
        return [.. rows.Select(row => $"{row[2]} of {row[0]}.{row[1]} to {row[3]}")];
    }

    /// <summary>Writes what cannot be renamed.</summary>
    /// <param name="database">The database.</param>
    /// <param name="path">A new file that is whole and durable when this returns; null: only looks whether it can be written.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">The tool fails.</exception>
    public async Task SaveCodeAsync(string database, string? path, CancellationToken cancellation)
    {
        var more = await ServerOptionsAsync(cancellation);
        var views = await NamesAsync(database, "table_type = 'VIEW'", cancellation);
        if (path is null)
        {
            await DumpAsync([.. Code, .. more, "--", database], Stream.Null, cancellation);
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var temporary = path + ".tmp";
        await using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            await DumpAsync([.. Code, .. more, "--", database], file, cancellation);
            if (views.Count > 0)
            {
                // After the functions that they may call.
                await DumpAsync([.. Views, .. more, "--", database, .. views], file, cancellation);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        LibC.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>
    /// Makes a database like another, without rows and events, and removes it again: that shows whether the user may make on the way back what has another definer,
    /// or is a function on a server that writes a binary log.
    /// </summary>
    /// <param name="database">The database.</param>
    /// <param name="probe">A name that nothing has.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">It could not be made.</exception>
    public async Task ProbeAsync(string database, string probe, CancellationToken cancellation)
    {
        string[] options = ["--single-transaction", "--no-data", "--triggers", "--routines", .. await ServerOptionsAsync(cancellation), "--", database];
        await MakeAsync(probe, null, null, cancellation);
        try
        {
            await RunAsync(probe, input => DumpAsync(options, input, cancellation), cancellation);
        }
        catch (ServerException e)
        {
            throw new ServerException($"what is in database {database} could not be made anew on the way back, so nothing was touched: {e.Message}", e.Hint, innerException: e);
        }

        await DropAsync(probe, cancellation);
    }

    /// <summary>Makes anew what <see cref="SaveCodeAsync"/> has written; what is there is replaced.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public async Task ReplayCodeAsync(string database, string path, CancellationToken cancellation)
    {
        await using var file = File.OpenRead(path);
        await RunAsync(
            database,
            async input =>
            {
                await input.WriteAsync(Encoding.UTF8.GetBytes(ShortWait), cancellation);
                await file.CopyToAsync(input, cancellation);
            },
            cancellation);
    }

    /// <summary>Makes a database.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public Task MakeAsync(string database, string? characterSet, string? collation, CancellationToken cancellation) => tools.ExecuteAsync(
        $"CREATE DATABASE IF NOT EXISTS {MysqlTools.Identifier(database)}{(characterSet is null ? "" : $" CHARACTER SET {characterSet} COLLATE {collation}")}", cancellation);

    /// <summary>Removes a database with everything in it.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public async Task DropAsync(string database, CancellationToken cancellation)
    {
        if (await FindAsync(database, cancellation) is not null)
        {
            await RunAsync(database, input => input.WriteAsync(Encoding.UTF8.GetBytes($"{ShortWait}DROP DATABASE {MysqlTools.Identifier(database)};\n"), cancellation).AsTask(), cancellation);
        }
    }

    /// <summary>
    /// Ends what runs in a database for the user of the service. The clients of a run that was killed go on with what they had read, and that must not meet the
    /// tables that come back.
    /// </summary>
    /// <exception cref="ServerException">They do not end.</exception>
    public async Task EndSessionsAsync(string database, CancellationToken cancellation)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var rows = await tools.QueryAsync(
                $"SELECT id FROM information_schema.processlist WHERE db = {Text(database)} AND user = SUBSTRING_INDEX(USER(), '@', 1) AND id <> CONNECTION_ID()", cancellation);
            if (rows.Count == 0)
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                throw new ServerException($"{rows.Count} sessions in database {database} on {tools.Server} do not end", "SHOW PROCESSLIST says what they do");
            }

            foreach (var row in rows)
            {
                try
                {
                    await tools.ExecuteAsync($"KILL {row[0]}", cancellation);
                }
                catch (ServerException e) when (e.Message.Contains("Unknown thread", StringComparison.Ordinal))
                {
                    // It has ended by itself.
                }
            }

            await Task.Delay(Poll, cancellation);
        }
    }

    /// <summary>Removes a database that has no table any more; views, routines and events go with it.</summary>
    /// <exception cref="ServerException">It has tables, or the server refuses.</exception>
    public async Task DropEmptyAsync(string database, CancellationToken cancellation)
    {
        if (await TablesAsync(database, cancellation) is { Count: > 0 } left)
        {
            throw new ServerException($"database {database} on {tools.Server} still has {left.Count} tables, {left[0]} first: somebody makes tables there", "stop what uses it: services.*.applications.stop-command");
        }

        await DropAsync(database, cancellation);
    }

    /// <summary>Moves all tables of a database into another, by one statement; triggers of theirs must be in a file by now, and are removed.</summary>
    /// <exception cref="ServerException">The server refuses, or somebody uses a table.</exception>
    public async Task MoveTablesAsync(string from, string to, CancellationToken cancellation)
    {
        var tables = await TablesAsync(from, cancellation);
        if (tables.Count == 0)
        {
            return;
        }

        var script = new StringBuilder(ShortWait);
        foreach (var trigger in await tools.QueryAsync($"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = {Text(from)}", cancellation))
        {
            script.Append("DROP TRIGGER IF EXISTS ").Append(MysqlTools.Identifier(from)).Append('.').Append(MysqlTools.Identifier(trigger[0])).Append(";\n");
        }

        script.Append("RENAME TABLE ")
            .AppendJoin(", ", tables.Select(t => $"{MysqlTools.Identifier(from)}.{MysqlTools.Identifier(t)} TO {MysqlTools.Identifier(to)}.{MysqlTools.Identifier(t)}"))
            .Append(";\n");
        await RunAsync(from, input => input.WriteAsync(Encoding.UTF8.GetBytes(script.ToString()), cancellation).AsTask(), cancellation);
    }

    // Tables, and with MariaDB sequences and system-versioned tables.
    Task<List<string>> TablesAsync(string database, CancellationToken cancellation) => NamesAsync(database, "table_type <> 'VIEW'", cancellation);

    async Task<List<string>> NamesAsync(string database, string which, CancellationToken cancellation) =>
        [.. (await tools.QueryAsync($"SELECT table_name FROM information_schema.tables WHERE table_schema = {Text(database)} AND {which} ORDER BY table_name", cancellation)).Select(row => row[0])];

    async Task<string[]> ServerOptionsAsync(CancellationToken cancellation)
    {
        var knows = await tools.ReadOptionsAsync(cancellation);
        return [.. new[] { "--no-tablespaces", "--set-gtid-purged" }.Where(knows).Select(option => option == "--set-gtid-purged" ? option + "=OFF" : option)];
    }

    async Task DumpAsync(IEnumerable<string> arguments, Stream destination, CancellationToken cancellation)
    {
        await using var dump = tools.Start(tools.Dump, arguments);
        dump.Input.Close();
        var tail = new byte[TailLength];
        await Task.Run(
            async () =>
            {
                var block = new byte[BlockSize];
                while (await dump.Output.ReadAsync(block, cancellation) is > 0 and var read)
                {
                    await destination.WriteAsync(block.AsMemory(0, read), cancellation);
                    var kept = Math.Min(read, TailLength);
                    tail.AsSpan(kept).CopyTo(tail);
                    block.AsSpan(read - kept, kept).CopyTo(tail.AsSpan(TailLength - kept));
                }
            },
            cancellation);
        if (await dump.WaitAsync(cancellation) is not 0 and var code)
        {
            throw new ServerException($"{dump.Name} failed with code {code}: {dump.Messages}", MysqlTools.Hint(dump.Messages));
        }

        if (tail.AsSpan().IndexOf("-- Dump completed"u8) < 0)
        {
            throw new ServerException($"{dump.Name} ended well, but the end of what it wrote is missing", "try again");
        }
    }

    async Task RunAsync(string database, Func<Stream, Task> write, CancellationToken cancellation)
    {
        await using var client = tools.Start(tools.Client, ["--batch", "--binary-mode", "--skip-reconnect", $"--database={database}"]);
        try
        {
            await write(client.Input);
            client.Input.Close();
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            // It has stopped reading; its exit code says why.
        }

        if (await client.WaitAsync(cancellation) is not 0 and var code)
        {
            throw new ServerException(
                $"{client.Name} failed with code {code}: {string.Join("; ", client.Messages.Split(Environment.NewLine).Where(line => line.StartsWith("ERROR", StringComparison.Ordinal)))}",
                client.Messages.Contains("Lock wait timeout", StringComparison.Ordinal) ? "somebody uses the tables: stop it (services.*.applications.stop-command); SHOW PROCESSLIST says who" : MysqlTools.Hint(client.Messages));
        }
    }

    // Means exactly it, whatever the server's sql_mode makes of quotes and backslashes.
    static string Text(string value) => $"CONVERT(0x{Convert.ToHexString(Encoding.UTF8.GetBytes(value))} USING utf8mb4)";
}
