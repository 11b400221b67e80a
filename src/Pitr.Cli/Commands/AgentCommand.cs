using System.CommandLine;
using Pitr.Operations.Agent;
using Pitr.Operations.Archive.Prefetch;
using Pitr.Operations.Archive.Status;
using Pitr.Operations.Configuration;
using Pitr.Operations.Streaming;
using Serilog.Events;

namespace Pitr.Cli.Commands;

/// <summary>`pitr agent`: stays in the foreground and serves pitr-archive until it is told to stop.</summary>
static class AgentCommand
{
    public static Command Create()
    {
        var command = new Command(
            "agent",
            """
            Serve pitr-archive on a Unix socket: keeps keys, connections and code warm; gives repositories that lag behind what they are owed.

            Runs in the foreground until SIGTERM or Ctrl-C, as the user that owns the PostgreSQL cluster. Without an agent archiving
            works too, only slower: pitr-archive then starts pitr for each segment.

            Services with `wal: { stream: true }` are streamed as well: WAL is stored as it is written, and a commit can wait for that.

              pitr agent
              systemctl enable --now pitr-agent        with docs/systemd/pitr-agent.service
            """);
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        RootRefusal.Require("WAL that root fetches could not be read by PostgreSQL", "agent");
        using var context = new CommandContext(parsed, LogEventLevel.Information);
        using var manager = ServiceManager.FromEnvironment(Environment.GetEnvironmentVariable, Environment.ProcessId);
        var inherited = InheritedSocket.Take(Environment.GetEnvironmentVariable, Environment.ProcessId);
        PrefetchSpool.Sweep(context.Configuration.StateDirectory, context.Log);
        await using var handler = context.CreateArchiveHandler();
        await using var socket = inherited is null
            ? ArchiveSocket.Listen(context.Configuration.Agent.Socket, handler.HandleAsync, context.Log)
            : ArchiveSocket.Serve(inherited, handler.HandleAsync, context.Log);
        context.Log.Information("pitr agent {Version} listens on {Socket}", CommandContext.Version, socket.Path);
        handler.Warm(context.Configuration.Services.Values.OfType<PostgresServiceSettings>().Select(s => s.Name));
        await using var watch = PgWalWatch.StartAll(context.Configuration, CommandContext.Clock, context.Log);
        await using var streams = WalStreams.Start(context.Configuration, name => context.OpenService(name), context.Log);
        await using var debts = ServiceDebts.Start(context.Configuration, name => context.OpenAnyService(name));
        await using var heartbeat = new AgentHeartbeat(manager, socket, handler, CommandContext.Clock);
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Log.Information("pitr agent stops");
        return ExitCodes.Success;
    }
}
