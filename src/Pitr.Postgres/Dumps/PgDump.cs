using System.Globalization;
using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>A running <c>pg_dump</c>. Disposing kills it when it still runs.</summary>
public sealed class PgDump : IAsyncDisposable
{
    /// <summary>Its name.</summary>
    public const string Name = "pg_dump";

    readonly ClientProgram _program;

    PgDump(ClientProgram program) => _program = program;

    /// <summary>The dump, unless pg_dump writes a file; must be read to its end, or pg_dump waits for ever.</summary>
    public Stream Output => _program.Output;

    /// <exception cref="ServerException">The connection string is malformed or the program does not start.</exception>
    public static PgDump Start(PgDumpOptions options)
    {
        var program = StartProgram(options);
        program.Input.Close();
        return new PgDump(program);
    }

    /// <summary>Starts it for a caller that judges its end; its input is still to be closed.</summary>
    /// <inheritdoc cref="Start"/>
    public static ClientProgram StartProgram(PgDumpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ClientProgram.Start(options.Program, Arguments(options), ConnectionText.Parse(options.ConnectionString));
    }

    /// <summary>Waits until it has ended well: then the dump is whole, and not before.</summary>
    /// <exception cref="ServerException">It failed; the message has the last lines it wrote.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken = default)
    {
        if (await _program.WaitAsync(cancellationToken) is not 0 and var code)
        {
            throw new ServerException($"pg_dump failed with code {code}: {_program.Messages}", Hint(_program.Messages));
        }
    }

    public ValueTask DisposeAsync() => _program.DisposeAsync();

    static IEnumerable<string> Arguments(PgDumpOptions options)
    {
        yield return $"--format={options.Format.ToString().ToLowerInvariant()}";
        yield return "--no-password";
        if (options.File is { } file)
        {
            yield return $"--file={file}";
        }

        if (options.Jobs > 1)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"--jobs={options.Jobs}");
        }

        if (options.NoSync)
        {
            yield return "--no-sync";
        }

        if (options.Uncompressed)
        {
            yield return "--compress=0";
        }

        if (options.SchemaOnly)
        {
            yield return "--schema-only";
        }

        foreach (var table in options.Tables)
        {
            yield return $"--table={table}";
        }

        foreach (var schema in options.Schemas)
        {
            yield return $"--schema={schema}";
        }
    }

    /// <summary>The next step after it has failed; null when its messages say enough.</summary>
    public static string? Hint(string messages) => messages switch
    {
        _ when messages.Contains("out of shared memory", StringComparison.Ordinal) => "it locks every table: dump fewer at once, or raise max_locks_per_transaction and take a new backup",
        _ when messages.Contains("invalid page", StringComparison.Ordinal) => "the page is damaged in the backup, too: an older backup may hold it whole (--backup), and other tables can still be dumped (--table)",
        _ when messages.Contains("No space left on device", StringComparison.Ordinal) => "free some space, or choose another place",
        _ => null,
    };
}
