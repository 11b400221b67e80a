using System.CommandLine;
using Pitr.Operations.Archive;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal push`: what pitr-archive runs when no agent answers.</summary>
static class WalPushCommand
{
    static readonly Argument<string> ServiceName = new("SERVICE") { Description = "Name of the service" };
    static readonly Argument<string> FilePath = new("PATH") { Description = "The file PostgreSQL hands over (%p)" };

    public static Command Create()
    {
        var command = new Command(
            "push",
            """
            Archive one WAL file; exits 0 only when every required repository holds it durably.

              pitr wal push main pg_wal/000000010000000000000007
            """)
        {
            ServiceName, FilePath,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            using var context = new CommandContext(parsed);
            await using var service = context.OpenService(parsed.GetValue(ServiceName));
            await new ArchivePush(service).PushAsync(Path.GetFullPath(parsed.GetValue(FilePath)!), cancellation);
            return ExitCodes.Success;
        }
        catch (Exception e)
        {
            var failure = new ArchiveFailures().OfPush(e);
            await Console.Error.WriteLineAsync($"pitr: {failure.Message}");
            return failure.ExitCode;
        }
    }
}
