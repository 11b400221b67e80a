using System.Globalization;
using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>
/// A running <c>pg_restore</c> that reads a dump and writes all of it into a database, in one transaction, or nothing; or with several jobs, which is for a database that is removed when
/// it fails. Disposing ends it when it still runs; its server stops at once and rolls back.
/// </summary>
public sealed class PgRestore : IAsyncDisposable
{
    /// <summary>Its name.</summary>
    public const string Name = "pg_restore";

    readonly ClientProgram _program;
    readonly bool _isTransaction;

    PgRestore(ClientProgram program, bool isTransaction) => (_program, _isTransaction) = (program, isTransaction);

    /// <summary>Its process.</summary>
    public int ProcessId => _program.ProcessId;

    /// <summary>Takes the dump; it may commit as soon as the last byte is in here.</summary>
    public Stream Input => _program.Input;

    /// <exception cref="ServerException">The connection string is malformed or the program does not start.</exception>
    public static PgRestore Start(PgRestoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var server = ConnectionText.Parse(options.ConnectionString);
        return new PgRestore(ClientProgram.Start(options.Program, Arguments(options, server.Database ?? server.Username ?? ""), server), options.Jobs == 1);
    }

    /// <summary>Closes <see cref="Input"/>, and waits until everything is committed.</summary>
    /// <exception cref="ServerException">It failed, and with one job nothing was changed; the message has the last lines it wrote.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken = default)
    {
        await CloseInputAsync();
        if (await _program.WaitAsync(cancellationToken) is not 0 and var code)
        {
            throw new ServerException($"pg_restore failed with code {code}{(_isTransaction ? ", and nothing was changed" : "")}: {_program.Messages}", Hint(_program.Messages));
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Ended before its input ends: it must not take the end of an unfinished dump for the end of the dump.
        await _program.TerminateAsync();
        await CloseInputAsync();
        await _program.DisposeAsync();
    }

    async Task CloseInputAsync()
    {
        try
        {
            await _program.Input.DisposeAsync();
        }
        catch (IOException)
        {
            // It has ended already; its exit code says why.
        }
    }

    static IEnumerable<string> Arguments(PgRestoreOptions options, string database)
    {
        // Not the name alone: one with an equals sign would be read as a connection string.
        yield return $"--dbname=dbname='{database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
        yield return options.Directory is null ? "--format=custom" : "--format=directory";
        yield return options.Jobs == 1 ? "--single-transaction" : string.Create(CultureInfo.InvariantCulture, $"--jobs={options.Jobs}");
        yield return "--exit-on-error";
        yield return "--no-password";
        if (options.NoOwner)
        {
            yield return "--no-owner";
        }

        if (options.NoPrivileges)
        {
            yield return "--no-privileges";
        }

        if (options.NoTablespaces)
        {
            yield return "--no-tablespaces";
        }

        foreach (var table in options.Tables)
        {
            yield return $"--table={table}";
        }

        foreach (var schema in options.Schemas)
        {
            yield return $"--schema={schema}";
        }

        if (options.Directory is { } directory)
        {
            yield return directory;
        }
    }

    static string? Hint(string messages)
    {
        if (messages.Contains("violates foreign key constraint", StringComparison.Ordinal))
        {
            return "rows refer to others that the database does not have any more: bring the table back beside it with --into-schema, and copy the rows you want";
        }

        if (messages.Contains("already exists", StringComparison.Ordinal))
        {
            return "--into-schema NAME brings it back beside what is there";
        }

        if (messages.Contains("must be owner", StringComparison.Ordinal) || messages.Contains("must be member of role", StringComparison.Ordinal) || messages.Contains("must be able to SET ROLE", StringComparison.Ordinal))
        {
            return "connect as a superuser, or add --no-owner";
        }

        if (messages.Contains("role \"", StringComparison.Ordinal) && messages.Contains("does not exist", StringComparison.Ordinal))
        {
            return "make the role first, or add --no-owner and --no-privileges";
        }

        return messages.Contains("does not exist", StringComparison.Ordinal)
            ? "what it depends on is not in the database: schemas, types, functions and extensions do not come with --table; make them first, or extract their --schema"
            : null;
    }
}
