using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pitr.Postgres.Recovery;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// A cluster made for one purpose and thrown away: initdb with superuser <c>postgres</c> and trust authentication, reachable through its own
/// socket only. Disposing stops the server and removes the directory.
/// </summary>
public sealed class ScratchCluster : IAsyncDisposable
{
    readonly ScratchClusterOptions _options;
    PostgresServer? _server;

    ScratchCluster(ScratchClusterOptions options) => _options = options;

    public string Directory => _options.Directory;

    public string DataDirectory => Path.Combine(Directory, "data");

    public string SocketDirectory => Path.Combine(Directory, "socket");

    public string LogFile => Path.Combine(Directory, "server.log");

    public BinDirectory BinDirectory => _options.BinDirectory;

    /// <summary>The running server.</summary>
    /// <exception cref="InvalidOperationException">It is stopped.</exception>
    public PostgresServer Server => _server ?? throw new InvalidOperationException("the scratch cluster is stopped");

    /// <summary>Makes the cluster, starts it and waits until it accepts connections.</summary>
    /// <exception cref="ServerException">The directory is not empty, initdb failed or the server does not start; nothing is left behind.</exception>
    public static async Task<ScratchCluster> CreateAsync(ScratchClusterOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (Environment.IsPrivilegedProcess)
        {
            throw new ServerException(
                "PostgreSQL does not run as root",
                "run this as an unprivileged user, for example: runuser -u postgres -- …");
        }

        if (System.IO.Directory.Exists(options.Directory) && System.IO.Directory.EnumerateFileSystemEntries(options.Directory).Any())
        {
            throw new ServerException($"directory {options.Directory} for a scratch cluster is not empty");
        }

        var cluster = new ScratchCluster(options);
        try
        {
            System.IO.Directory.CreateDirectory(cluster.SocketDirectory);
            await cluster.RunInitdbAsync(cancellationToken);
            await cluster.AppendSettingsAsync(cancellationToken);
            await cluster.StartAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public string ConnectionString(string? database = null, string? user = null) => Server.ConnectionString(database, user);

    /// <summary>Starts the stopped cluster and waits until it accepts connections.</summary>
    /// <exception cref="ServerException">It does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_server is { HasExited: false })
        {
            throw new InvalidOperationException("the scratch cluster is running");
        }

        _server = PostgresServer.Start(new PostgresServerOptions
        {
            BinDirectory = BinDirectory,
            DataDirectory = DataDirectory,
            SocketDirectory = SocketDirectory,
            LogFile = LogFile,
            Environment = _options.Environment,
            StopOnDispose = _options.StopOnDispose,
        });
        await _server.WaitUntilAcceptingAsync(cancellationToken);
    }

    public async Task StopAsync(ServerStopMode mode = ServerStopMode.Fast, CancellationToken cancellationToken = default)
    {
        if (_server is { } server)
        {
            await server.StopAsync(mode, cancellationToken);
            await server.DisposeAsync();
            _server = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            await server.DisposeAsync();
        }

        if (_options.RemoveOnDispose && System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }

    async Task RunInitdbAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(BinDirectory.Program("initdb"))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in InitdbArguments())
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = await process.StandardError.ReadToEndAsync(cancellationToken);
            _ = await output;
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
            {
                throw new ServerException($"initdb of {DataDirectory} failed with code {process.ExitCode}: {error.Trim()}");
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    IEnumerable<string> InitdbArguments()
    {
        yield return $"--pgdata={DataDirectory}";
        yield return "--username=postgres";
        yield return "--auth=trust";
        yield return "--encoding=UTF8";
        yield return "--locale=C";
        yield return $"--wal-segsize={(_options.WalSegmentSize.Bytes >> 20).ToString(CultureInfo.InvariantCulture)}";
        if (_options.DataChecksums)
        {
            yield return "--data-checksums";
        }
        else if (BinDirectory.MajorVersion >= 18)
        {
            yield return "--no-data-checksums";
        }

        if (!_options.Fsync)
        {
            yield return "--no-sync";
        }
    }

    async Task AppendSettingsAsync(CancellationToken cancellationToken)
    {
        var text = new StringBuilder("\n");
        if (!_options.Fsync)
        {
            text.AppendLine("fsync = off");
        }

        foreach (var (name, value) in _options.Settings)
        {
            text.Append(name).Append(" = ").AppendLine(ConfigurationText.Quote(value));
        }

        await System.IO.File.AppendAllTextAsync(Path.Combine(DataDirectory, "postgresql.conf"), text.ToString(), cancellationToken);
    }
}
