using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// A PostgreSQL server running an existing data directory as a child of this process. It is <c>postgres</c> itself, not pg_ctl, so its end
/// is seen at once. It gets a session of its own: a terminal's Ctrl-C reaches this program, which then decides. Disposing stops the server
/// unless it was <see cref="Detach">detached</see>.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    const int LongestSocketDirectory = 90;
    const int FirstPort = 5432;

    static readonly TimeSpan StartPoll = TimeSpan.FromMilliseconds(10);
    static readonly TimeSpan RecoveryPoll = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan DisposePatience = TimeSpan.FromSeconds(30);

    readonly PostgresServerOptions _options;
    readonly TimeProvider _time;
    readonly Process _process;
    readonly ServerLog _log;
    bool _detached;

    PostgresServer(PostgresServerOptions options, int port, Process process, ServerLog log, TimeProvider time)
    {
        _options = options;
        _process = process;
        _log = log;
        _time = time;
        Port = port;
        ProcessId = process.Id;
    }

    public string DataDirectory => _options.DataDirectory;

    public string SocketDirectory => _options.SocketDirectory;

    public int Port { get; }

    public int ProcessId { get; }

    public bool HasExited => !_detached && _process.HasExited;

    /// <summary>Starts the server and returns at once; <see cref="WaitUntilAcceptingAsync"/> or <see cref="WaitUntilRecoveryEndsAsync"/> come next.</summary>
    /// <exception cref="ServerException">Running as root, socket directory unusable, or the program cannot be started.</exception>
    public static PostgresServer Start(PostgresServerOptions options, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (Environment.IsPrivilegedProcess)
        {
            throw new ServerException(
                "PostgreSQL does not run as root",
                "run this as the user that owns the data directory, for example: runuser -u postgres -- …");
        }

        if (!Directory.Exists(options.SocketDirectory))
        {
            throw new ServerException($"no socket directory {options.SocketDirectory}");
        }

        if (options.SocketDirectory.Length > LongestSocketDirectory)
        {
            throw new ServerException(
                $"socket directory {options.SocketDirectory} is too long: {options.SocketDirectory.Length} characters, at most {LongestSocketDirectory}",
                "choose a directory nearer to the root, for example below /tmp");
        }

        var port = options.Port == 0 ? FreePort(options.SocketDirectory) : options.Port;
        var logStart = File.Exists(options.LogFile) ? new FileInfo(options.LogFile).Length : 0;
        try
        {
            var process = Process.Start(StartInfo(options, port))!;
            return new PostgresServer(options, port, process, new ServerLog(options.LogFile, logStart), timeProvider ?? TimeProvider.System);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ServerException($"cannot start {options.BinDirectory.Path}/postgres: {e.Message}", innerException: e);
        }
    }

    /// <summary>For <see cref="PostgresSession"/>, Npgsql, and <c>PgBaseBackup</c>: through the socket, without a password.</summary>
    public string ConnectionString(string? database = null, string? user = null) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = SocketDirectory,
            Port = Port,
            Database = database ?? _options.Database,
            Username = user ?? _options.User,
            Options = _options.SessionOptions,
        }.ConnectionString;

    /// <summary>Returns once a connection could be made; a hot standby counts, as it answers queries.</summary>
    /// <exception cref="ServerException">The server exited (with the log's last errors), or it refuses the connection for good.</exception>
    public async Task WaitUntilAcceptingAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ThrowIfExited();
            if (await TryConnectAsync(cancellationToken) is { } session)
            {
                await session.DisposeAsync();
                return;
            }

            await WaitAsync(StartPoll, cancellationToken);
        }
    }

    /// <summary>
    /// Returns once recovery is over: promoted, paused at its target, or shut down at its target. A standby never gets there: use
    /// <see cref="WaitUntilAcceptingAsync"/> for one.
    /// </summary>
    /// <param name="progress">Called on every look at the server, about 20 times a second.</param>
    /// <exception cref="ServerException">The server exited otherwise (with the log's last errors), or it refuses the connection for good.</exception>
    public async Task<RecoveryEnd> WaitUntilRecoveryEndsAsync(Action<RecoveryProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        PostgresSession? session = null;
        try
        {
            while (true)
            {
                if (_process.HasExited && IsShutDownAtTarget())
                {
                    return RecoveryEnd.ShutDown;
                }

                ThrowIfExited();
                _log.Scan();
                session ??= await TryConnectAsync(cancellationToken);
                var state = session is null ? null : await TryReadReplayAsync(session, cancellationToken);
                if (session is not null && state is null)
                {
                    await session.DisposeAsync();
                    session = null;
                }

                progress?.Invoke(new RecoveryProgress(state?.LastReplayed, state?.LastTransaction, _log.LastRestored, state is not null));
                if (state is { InRecovery: false })
                {
                    return RecoveryEnd.Promoted;
                }

                if (state is { IsPaused: true })
                {
                    ThrowIfPausedBeforeTarget();
                    return RecoveryEnd.Paused;
                }

                await WaitAsync(state is null ? StartPoll : RecoveryPoll, cancellationToken);
            }
        }
        finally
        {
            if (session is not null)
            {
                await session.DisposeAsync();
            }
        }
    }

    /// <summary>Asks the server to stop and waits until it has; one that has exited already is fine.</summary>
    /// <exception cref="ServerException">The process may not be signalled.</exception>
    public async Task StopAsync(ServerStopMode mode = ServerStopMode.Fast, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_detached, this);
        Signal(mode switch
        {
            ServerStopMode.Smart => LibC.SigTerm,
            ServerStopMode.Fast => LibC.SigInt,
            ServerStopMode.Immediate => LibC.SigQuit,
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, message: null),
        });
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Lets the server run on, also after this process has ended. Nothing but its properties can be used afterwards.</summary>
    public void Detach()
    {
        if (!_detached)
        {
            _detached = true;
            _process.Dispose();
        }
    }

    /// <summary>The last lines of what this run has logged, oldest first.</summary>
    public IReadOnlyList<string> LogTail(int lines) => _log.Tail(lines);

    /// <summary>Stops the server as the options say; what does not stop in 30 s is stopped harder, down to SIGKILL.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_detached)
        {
            return;
        }

        foreach (var signal in StopOnDisposeSignals())
        {
            if (_process.HasExited)
            {
                break;
            }

            Signal(signal);
            using var patience = new CancellationTokenSource(DisposePatience, _time);
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException) when (patience.IsCancellationRequested)
            {
                // The next signal is a stronger one.
            }
        }

        _detached = true;
        _process.Dispose();
    }

    static ProcessStartInfo StartInfo(PostgresServerOptions options, int port)
    {
        // The shell only redirects: its exec makes postgres the very process started here. Files instead of pipes, because the server may
        // outlive this process.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec \"$@\" </dev/null >>\"$log\" 2>&1");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(options.LogFile);
        if (File.Exists("/usr/bin/setsid"))
        {
            start.ArgumentList.Add("/usr/bin/setsid");
        }

        start.ArgumentList.Add(options.BinDirectory.Program("postgres"));
        start.ArgumentList.Add("-D");
        start.ArgumentList.Add(options.DataDirectory);
        foreach (var (name, value) in Settings(options, port))
        {
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add($"{name}={value}");
        }

        foreach (var (name, value) in options.Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    static Dictionary<string, string> Settings(PostgresServerOptions options, int port)
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "",
            ["port"] = port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = options.SocketDirectory,
        };
        if (options.CaptureLog)
        {
            settings["logging_collector"] = "off";
            settings["log_destination"] = "stderr";
            settings["log_min_messages"] = "warning";
            settings["lc_messages"] = "C";
        }

        AddFile(settings, "config_file", options.ConfigFile);
        AddFile(settings, "hba_file", options.HbaFile);
        AddFile(settings, "ident_file", options.IdentFile);
        foreach (var (name, value) in options.Settings)
        {
            settings[name] = value;
        }

        return settings;
    }

    static void AddFile(Dictionary<string, string> settings, string name, string? path)
    {
        if (path is not null)
        {
            settings[name] = path;
        }
    }

    static int FreePort(string socketDirectory)
    {
        for (var port = FirstPort; port <= ushort.MaxValue; port++)
        {
            if (!File.Exists(Path.Combine(socketDirectory, $".s.PGSQL.{port}.lock")))
            {
                return port;
            }
        }

        throw new ServerException($"no free port number in {socketDirectory}");
    }

    static async Task<ReplayState?> TryReadReplayAsync(PostgresSession session, CancellationToken cancellationToken)
    {
        try
        {
            return await session.ReadReplayAsync(cancellationToken);
        }
        catch (ServerException e) when (e.SqlState is null or "57P01" or "57P02" or "57P03")
        {
            // The connection is gone: either the server exits, which the caller sees next, or it restarts and will be connected to again.
            return null;
        }
    }

    IEnumerable<int> StopOnDisposeSignals()
    {
        if (_options.StopOnDispose != ServerStopMode.Immediate)
        {
            yield return _options.StopOnDispose == ServerStopMode.Smart ? LibC.SigTerm : LibC.SigInt;
        }

        yield return LibC.SigQuit;
        yield return LibC.SigKill;
    }

    async Task<PostgresSession?> TryConnectAsync(CancellationToken cancellationToken)
    {
        if (!PostmasterFile.SaysReady(DataDirectory, ProcessId))
        {
            return null;
        }

        try
        {
            return await PostgresSession.OpenAsync(ConnectionString(), cancellationToken);
        }
        catch (ServerException e) when (e.SqlState is null or "57P01" or "57P02" or "57P03")
        {
            // Shutting down or restarting: the next look at the process tells which.
            return null;
        }
    }

    bool IsShutDownAtTarget() => _process.ExitCode == 0 && _log.Contains("shutdown at recovery target");

    /// <summary>
    /// A hot standby also pauses when the WAL shows that the primary has raised max_connections or its like above the settings here
    /// (RecoveryRequiresIntParameter() of PostgreSQL 15 src/backend/access/transam/xlogrecovery.c).
    /// </summary>
    void ThrowIfPausedBeforeTarget()
    {
        const string reason = "hot standby is not possible because of insufficient parameter settings";
        if (_log.Contains(reason))
        {
            var text = string.Join(Environment.NewLine, _log.LastErrors(10));
            throw new ServerException(
                $"recovery of {DataDirectory} has paused before its target: {reason}: {text}",
                ServerExitHint.For(reason, _log.Path));
        }
    }

    void ThrowIfExited()
    {
        ObjectDisposedException.ThrowIf(_detached, this);
        if (!_process.HasExited)
        {
            return;
        }

        var errors = _log.LastErrors(10);
        var text = errors.Count == 0 ? $"it logged nothing to {_log.Path}" : string.Join(Environment.NewLine, errors);
        throw new ServerException(
            $"PostgreSQL in {DataDirectory} exited with code {_process.ExitCode}: {text}",
            ServerExitHint.For(text, _log.Path));
    }

    void Signal(int signal)
    {
        try
        {
            _ = LibC.Signal(ProcessId, signal);
        }
        catch (IOException e)
        {
            throw new ServerException($"PostgreSQL in {DataDirectory}: {e.Message}", innerException: e);
        }
    }

    Task WaitAsync(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, _time, cancellationToken);
}
