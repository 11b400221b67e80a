using System.Diagnostics;
using System.IO.Pipes;
using System.Text;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.BaseBackup;

/// <summary>
/// A running <c>pg_basebackup</c> that writes the tar of a cluster without additional tablespaces (with any it fails: the caller looks
/// first) and without WAL. On a server that archives, it ends only after the WAL it needs is archived. Disposing kills it when it still runs.
/// </summary>
public sealed class PgBaseBackup : IAsyncDisposable
{
    const int KeptMessages = 20;

    // Its own words for ERRCODE_DATA_CORRUPTED at the very end, so not those of the server's language (BaseBackup() of pg_basebackup.c).
    const string ChecksumError = "pg_basebackup: error: checksum error occurred";

    // Headers and small files come out of it; larger reads pass it by.
    const int OutputBuffer = 128 * 1024;

    readonly Process _process;
    readonly Task _reading;
    readonly Queue<string> _messages = new();

    PgBaseBackup(Process process, Action<string>? onMessage)
    {
        _process = process;
        var pipe = (PipeStream)process.StandardOutput.BaseStream;
        Output = new BufferedStream(PipeReadStream.Open(pipe.SafePipeHandle, Kill), OutputBuffer);
        _reading = ReadMessagesAsync(onMessage);
    }

    /// <summary>The tar; must be read to its end, or pg_basebackup waits for ever.</summary>
    public Stream Output { get; }

    /// <exception cref="ServerException">The connection string is malformed or the program does not start.</exception>
    public static PgBaseBackup Start(PgBaseBackupOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var program = options.BinDirectory.Program("pg_basebackup");
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var argument in Arguments(options))
        {
            start.ArgumentList.Add(argument);
        }

        LibpqEnvironment.Apply(ConnectionText.Parse(options.ConnectionString), start.Environment);
        start.Environment["LC_ALL"] = "C";
        start.Environment["PG_COLOR"] = "never";
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return new PgBaseBackup(process, options.OnMessage);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ServerException($"cannot start {program}: {e.Message}", innerException: e);
        }
    }

    /// <summary>Waits until the program has ended well. Read <see cref="Output"/> to its end before.</summary>
    /// <returns>Whether every page checksum was right. The tar is whole also when one was not: the server says so after it has sent everything.</returns>
    /// <exception cref="ServerException">It failed; the message has the last lines it wrote.</exception>
    public async Task<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        await _process.WaitForExitAsync(cancellationToken);
        await _reading.WaitAsync(cancellationToken);
        if (_process.ExitCode == 0)
        {
            return true;
        }

        var text = string.Join(Environment.NewLine, _messages);
        return text.Contains(ChecksumError, StringComparison.Ordinal)
            ? false
            : throw new ServerException($"pg_basebackup failed with code {_process.ExitCode}: {text}", Hint(text));
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }
    }

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

    async Task ReadMessagesAsync(Action<string>? onMessage)
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (_messages.Count == KeptMessages)
            {
                _messages.Dequeue();
            }

            _messages.Enqueue(line);
            onMessage?.Invoke(line);
        }
    }
}
