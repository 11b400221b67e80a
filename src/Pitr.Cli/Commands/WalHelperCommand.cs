using System.CommandLine;
using Pitr.Format.Wal;
using Pitr.Operations.Archive.Prefetch;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal helper`: what `wal get` leaves behind for a recovery without an agent. Not for people, so not in the help.</summary>
static class WalHelperCommand
{
    public const string Name = "helper";

    static readonly Argument<string> ServiceName = new("SERVICE") { Description = "Name of the service" };
    static readonly Argument<string> FileName = new("FILE") { Description = "The segment the recovering server has got last" };
    static readonly Argument<string> Destination = new("PATH") { Description = "Where it was put" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(Name, "Serve the restore_command of one recovering server until its recovery is over") { ServiceName, FileName, Destination, Repositories };
        command.Hidden = true;
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        RecoveryHelper.Detach();
        using var context = new CommandContext(parsed);
        var repositories = parsed.GetValue(Repositories) ?? [];
        await using var service = context.OpenService(parsed.GetValue(ServiceName), repositories);
        var destination = parsed.GetValue(Destination)!;
        await RecoveryHelper.RunAsync(
            service, WalSegmentName.Parse(parsed.GetValue(FileName)), destination, SocketName(parsed, service.Name.ToString(), destination, repositories),
            string.Join(',', repositories), new ArchiveFailures(), cancellation);
        return ExitCodes.Success;
    }

    /// <summary>Where it is asked.</summary>
    public static string SocketName(ParseResult parsed, string service, string destination, string[] repositories) =>
        RecoveryHelper.SocketName(service, destination, parsed.GetValue(GlobalOptions.Config) ?? "", string.Join(',', repositories));

    /// <summary>The command line that becomes it.</summary>
    public static IEnumerable<string> Arguments(ParseResult parsed, string service, WalFileName found, string destination, string[] repositories)
    {
        if (parsed.GetValue(GlobalOptions.Config) is { } configuration)
        {
            // As it was given: the name of the socket is made of it.
            yield return "--config";
            yield return configuration;
        }

        foreach (var word in new[] { "wal", Name, service, found.ToString(), destination })
        {
            yield return word;
        }

        if (repositories.Length > 0)
        {
            yield return "--repository";
            yield return string.Join(',', repositories);
        }
    }
}
