using Npgsql;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>
/// Stops and starts a service's server through the configured commands, and looks for itself what came of it: what counts is whether a server
/// runs in the data directory, not what a command says.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="directory">Its data directory, links resolved.</param>
sealed class ServerControl(PostgresService service, string directory)
{
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    string Log => Path.Combine(service.StateDirectory, "server-command.log");

    TimeSpan Timeout => service.Settings.Server.Timeout;

    /// <summary>Has the server stopped; one that does not run is kept from being started again by a service manager.</summary>
    /// <exception cref="ServerException">It still runs when its time is over.</exception>
    public async Task StopAsync(CancellationToken cancellation)
    {
        using var command = ServerCommand.Start(service.Settings.Server.StopCommand!, Log);
        var started = service.Clock.GetTimestamp();
        while (true)
        {
            var server = RunningServer.Find(directory);
            var isOver = service.Clock.GetElapsedTime(started) > Timeout;
            if (server is null && (command.HasExited || isOver))
            {
                break;
            }

            if (server is not null && (isOver || command is { HasExited: true, ExitCode: not 0 }))
            {
                throw new ServerException(
                    $"the server on {directory} (process {server.ProcessId}) was not stopped within {Timeout.TotalSeconds:0} s: {command.Outcome}",
                    "try the command by hand; it is services.*.server.stop-command, its time services.*.server.timeout");
            }

            await Task.Delay(Poll, service.Clock, cancellation);
        }

        if (command is { HasExited: true, ExitCode: not 0 })
        {
            service.Log.Warning("the server is down; {Outcome}", command.Outcome);
        }
    }

    /// <summary>Starts a server that needs no recovery from the archive, and waits until it accepts connections.</summary>
    /// <exception cref="ServerException">It does not when its time is over.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        ServerCommand? command = null;
        try
        {
            var started = service.Clock.GetTimestamp();
            while (RunningServer.Find(directory) is not { IsReady: true })
            {
                // One that is still going down is waited for.
                var server = RunningServer.Find(directory);
                command ??= server is null ? ServerCommand.Start(service.Settings.Server.StartCommand!, Log) : null;
                if ((server is null && command is { HasExited: true, ExitCode: not 0 }) || service.Clock.GetElapsedTime(started) > Timeout)
                {
                    throw new ServerException(
                        $"the server on {directory} {(server is null ? "was not started" : "runs and does not accept connections")}{(command is null ? "" : $": {command.Outcome}")}",
                        "see its log, and start it by hand");
                }

                await Task.Delay(Poll, service.Clock, cancellation);
            }

            await EndAsync(command, cancellation);
        }
        finally
        {
            command?.Dispose();
        }
    }

    /// <summary>Starts a restored cluster, or finds it started, and waits until it has recovered and accepts connections.</summary>
    /// <param name="action">What PostgreSQL does at the target: promote or pause.</param>
    /// <param name="cancellation">Gives up; the server goes on.</param>
    /// <returns>How it ended, and the last transaction replayed as far as the server tells.</returns>
    /// <exception cref="ServerException">The server did not start, or did not reach its target.</exception>
    public async Task<(RecoveryEnd End, DateTimeOffset? LastCommit)> RecoverAsync(RecoveryAction action, CancellationToken cancellation)
    {
        using var command = RunningServer.Find(directory) is null ? ServerCommand.Start(service.Settings.Server.StartCommand!, Log) : null;
        var started = service.Clock.GetTimestamp();
        var seen = false;
        long? recovered = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (RunningServer.Find(directory) is not { } server)
            {
                if (seen || command is { HasExited: true, ExitCode: not 0 } || service.Clock.GetElapsedTime(started) > Timeout)
                {
                    throw await FailedAsync(command, seen);
                }
            }
            else
            {
                seen = true;
                if (action == RecoveryAction.Pause && await TryReadReplayAsync(server, cancellation) is { IsPaused: true } paused)
                {
                    return (RecoveryEnd.Paused, paused.LastTransaction);
                }

                if (server.IsReady && HasRecovered())
                {
                    recovered ??= service.Clock.GetTimestamp();
                    if (await AcceptsAsync(server, isLast: service.Clock.GetElapsedTime(recovered.Value) > Timeout, cancellation) is (true, var last))
                    {
                        await EndAsync(command, cancellation);
                        return (RecoveryEnd.Promoted, last);
                    }
                }
            }

            await Task.Delay(Poll, service.Clock, cancellation);
        }
    }

    /// <summary>Refuses a server that runs and does not let us in: at the target nobody could see that it has paused.</summary>
    /// <exception cref="ServerException">It refuses.</exception>
    public async Task RequireLoginAsync(CancellationToken cancellation)
    {
        if (RunningServer.Find(directory) is { IsReady: true } server)
        {
            await using var session = await PostgresSession.OpenAsync(ConnectionTo(server), cancellation);
        }
    }

    // PostgreSQL removes recovery.signal when recovery has ended, and then says in pg_control that it is in production. As the backup brings
    // it, pg_control says so, too.
    bool HasRecovered() =>
        !File.Exists(Path.Combine(directory, RecoverySettings.RecoverySignal)) && ExistingCluster.TryReadControl(directory)?.State == ClusterState.InProduction;

    async Task<ServerException> FailedAsync(ServerCommand? command, bool seen)
    {
        if (command is not null)
        {
            await EndAsync(command, CancellationToken.None);
        }

        var said = command is null ? "" : $": {command.Outcome}";
        return seen
            ? new ServerException($"the restored server went down before it had reached the target{said}", "its log says why; a server of the service manager logs where it always does")
            : new ServerException($"the restored server was not started{said}", "try the command by hand; it is services.*.server.start-command");
    }

    // What a start command says after the server has gone is worth a moment; `pg_ctl start` looks once a second at most.
    async Task EndAsync(ServerCommand? command, CancellationToken cancellation)
    {
        var started = service.Clock.GetTimestamp();
        while (command is { HasExited: false } && service.Clock.GetElapsedTime(started) < TimeSpan.FromSeconds(5))
        {
            await Task.Delay(Poll, service.Clock, cancellation);
        }
    }

    async Task<ReplayState?> TryReadReplayAsync(RunningServer server, CancellationToken cancellation)
    {
        if (!server.IsReady)
        {
            return null;
        }

        try
        {
            await using var session = await PostgresSession.OpenAsync(ConnectionTo(server), cancellation);
            return await session.ReadReplayAsync(cancellation);
        }
        catch (ServerException e) when (IsPassing(e))
        {
            return null;
        }
    }

    async Task<(bool Accepts, DateTimeOffset? LastCommit)> AcceptsAsync(RunningServer server, bool isLast, CancellationToken cancellation)
    {
        try
        {
            await using var session = await PostgresSession.OpenAsync(ConnectionTo(server), cancellation);
            return (true, (await session.ReadReplayAsync(cancellation)).LastTransaction);
        }
        catch (ServerException e) when (IsPassing(e) && !isLast)
        {
            return (false, null);
        }
        catch (ServerException e)
        {
            // It has recovered, and says itself that it is ready; who may ask is its configuration's business.
            service.Log.Warning("the recovered server runs, and could not be asked: {Reason}", e.Message);
            return (true, null);
        }
    }

    // Starting, shutting down or restarting; or not listening yet.
    static bool IsPassing(ServerException e) => e.SqlState is null or "57P01" or "57P02" or "57P03";

    // This very server, whatever else the configured connection may lead to.
    string ConnectionTo(RunningServer server)
    {
        var login = new NpgsqlConnectionStringBuilder(service.Settings.RevealConnection());
        login.Host = server.SocketDirectory ?? login.Host;
        login.Port = server.Port ?? login.Port;
        return login.ConnectionString;
    }
}
