using System.CommandLine;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal get`: what pitr-archive runs when no agent answers.</summary>
static class WalGetCommand
{
    static readonly Argument<string> ServiceName = new("SERVICE") { Description = "Name of the service" };
    static readonly Argument<string> FileName = new("FILE") { Description = "The file PostgreSQL asks for (%f)" };
    static readonly Argument<string> Destination = new("PATH") { Description = "Where it goes (%p)" };
    static readonly Option<bool> Standby = new("--standby") { Description = "Answer 1 instead of 126 when it is unknown whether the file exists: a standby asks again for ever" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "get",
            """
            Bring back one archived WAL file, authenticated.

            Exit codes: 0 it is there; 1 every repository answered that there is none; 126 unknown, which stops recovery.

              pitr wal get main 000000010000000000000007 /tmp/000000010000000000000007
            """)
        {
            ServiceName, FileName, Destination, Standby, Repositories,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            using var context = new CommandContext(parsed);
            await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
            var answer = await new ArchiveGet(service).GetAsync(
                WalFileName.Parse(parsed.GetValue(FileName)!), Path.GetFullPath(parsed.GetValue(Destination)!), service.Settings.Wal.GetDeadline, cancellation);
            return answer == ArchiveGetResult.Found ? ExitCodes.Success : ExitCodes.ProvenAbsent;
        }
        catch (Exception e)
        {
            var failure = new ArchiveFailures().OfGet(e, parsed.GetValue(Standby));
            await Console.Error.WriteLineAsync($"pitr: {failure.Message}");
            return failure.ExitCode;
        }
    }
}
