using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.BaseBackup;

/// <summary>
/// A running <c>pg_basebackup</c> that writes the tar of a cluster without additional tablespaces (with any it fails: the caller looks
/// first) and without WAL. On a server that archives, it ends only after the WAL it needs is archived. Disposing kills it when it still runs.
/// </summary>
public sealed class PgBaseBackup : IAsyncDisposable
{
    // Its own words for ERRCODE_DATA_CORRUPTED at the very end, so not those of the server's language (BaseBackup() of pg_basebackup.c).
    const string ChecksumError = "pg_basebackup: error: checksum error occurred";

    // Headers and small files come out of it; larger reads pass it by.
    const int OutputBuffer = 128 * 1024;

    readonly ClientProgram _program;

    PgBaseBackup(ClientProgram program)
    {
        _program = program;
        Output = new BufferedStream(program.Output, OutputBuffer);
    }

    /// <summary>The tar; must be read to its end, or pg_basebackup waits for ever.</summary>
    public Stream Output { get; }

    /// <exception cref="ServerException">The connection string is malformed or the program does not start.</exception>
    public static PgBaseBackup Start(PgBaseBackupOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var program = ClientProgram.Start(
            options.BinDirectory.Program("pg_basebackup"), Arguments(options), ConnectionText.Parse(options.ConnectionString), options.OnMessage);
        program.Input.Close();
        return new PgBaseBackup(program);
    }

    /// <summary>Waits until the program has ended well. Read <see cref="Output"/> to its end before.</summary>
    /// <returns>Whether every page checksum was right. The tar is whole also when one was not: the server says so after it has sent everything.</returns>
    /// <exception cref="ServerException">It failed; the message has the last lines it wrote.</exception>
    public async Task<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        var code = await _program.WaitAsync(cancellationToken);
        if (code == 0)
        {
            return true;
        }

        var text = _program.Messages;
        return text.Contains(ChecksumError, StringComparison.Ordinal)
            ? false
            : throw new ServerException($"pg_basebackup failed with code {code}: {text}", Hint(text));
    }

    public ValueTask DisposeAsync() => _program.DisposeAsync();

    static IEnumerable<string> Arguments(PgBaseBackupOptions options)
    {
        yield return "--pgdata=-";
        yield return "--format=tar";
        yield return "--wal-method=none";
        yield return options.FastCheckpoint ? "--checkpoint=fast" : "--checkpoint=spread";
        yield return $"--label={options.Label}";
        yield return "--no-password";
        yield return "--verbose";
        if (!options.Manifest)
        {
            yield return "--no-manifest";
        }
    }

    static string? Hint(string messages)
    {
        if (messages.Contains("no pg_hba.conf entry for replication", StringComparison.Ordinal))
        {
            return "add a line to pg_hba.conf: local replication <user> peer";
        }

        if (messages.Contains("must be superuser or replication role", StringComparison.Ordinal)
            || messages.Contains("permission denied to start WAL sender", StringComparison.Ordinal))
        {
            return "grant it: ALTER ROLE <user> REPLICATION";
        }

        if (messages.Contains("max_wal_senders", StringComparison.Ordinal))
        {
            return "raise max_wal_senders, or wait until another backup or standby has gone";
        }

        if (messages.Contains("can only write single tablespace to stdout", StringComparison.Ordinal))
        {
            return "the cluster has tablespaces: use method direct on the database host";
        }

        if (messages.Contains("server closed the connection", StringComparison.Ordinal) || messages.Contains("terminating connection", StringComparison.Ordinal)
            || messages.Contains("could not read COPY data", StringComparison.Ordinal))
        {
            return "look into the server's log; when the server runs again, take the backup again: it goes on from where this one was interrupted";
        }

        return messages.Contains("incompatible server version", StringComparison.Ordinal)
            ? "install the client programs of the server's major version"
            : null;
    }
}
