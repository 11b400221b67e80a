using System.CommandLine;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Archive.Prefetch;
using Pitr.Operations.Services;

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
            var (name, destination) = (WalFileName.Parse(parsed.GetValue(FileName)!), Path.GetFullPath(parsed.GetValue(Destination)!));
            var answer = await new ArchiveGet(service).GetAsync(name, destination, service.Settings.Wal.GetDeadline, cancellation);
            if (answer == ArchiveGetResult.ProvenAbsent)
            {
                return ExitCodes.ProvenAbsent;
            }

            LeaveHelper(parsed, service, name, destination);
            return ExitCodes.Success;
        }
        catch (Exception e)
        {
            var failure = new ArchiveFailures().OfGet(e, parsed.GetValue(Standby));
            await Console.Error.WriteLineAsync($"pitr: {failure.Message}");
            return failure.ExitCode;
        }
    }

    // It only makes the next ones faster: this one is in place, and that is the answer.
    static void LeaveHelper(ParseResult parsed, PostgresService service, WalFileName found, string destination)
    {
        try
        {
            var (name, repositories) = (service.Name.ToString(), parsed.GetValue(Repositories) ?? []);
            RecoveryHelper.LeaveBehind(
                service, found, destination, WalHelperCommand.SocketName(parsed, name, destination, repositories), WalHelperCommand.Arguments(parsed, name, found, destination, repositories));
        }
        catch (Exception e)
        {
            service.Log.Warning("segments are not fetched ahead: {Reason}", e.Message);
        }
    }
}
