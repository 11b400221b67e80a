using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Archive.Status;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal status`: where WAL stands on its way into the archive, and how long the disk lasts.</summary>
static class WalStatusCommand
{
    static readonly TimeSpan DefaultSample = TimeSpan.FromSeconds(5);

    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<TimeSpan?> Sample = GlobalOptions.Duration("--sample", "Time over which rates are measured; 0s does not measure (default 5s)");
    static readonly Option<TimeSpan?> LongestWait = GlobalOptions.Duration("--max-wait", "How long a complete segment may wait to be archived (default objectives.rpo)");
    static readonly Option<TimeSpan?> ShortestTimeLeft = GlobalOptions.Duration("--min-time-left", "How long the disk of pg_wal must last at the present rate (default 1d)");

    public static Command Create()
    {
        var command = new Command(
            "status",
            """
            Say whether archiving keeps up, how far behind it is, what waits in pg_wal and how long the disk lasts.

            Asks the server, its files and every repository, and goes without those that do not answer: a server that is down is judged by
            its files. Exits 9 when something is wrong; else 4 when a repository, or 10 when the server could not be asked; else 0.

              pitr wal status main
              pitr wal status main --sample 30s --max-wait 10m
              pitr wal status main --sample 0s --output json
            """)
        {
            ServiceName, Repositories, Sample, LongestWait, ShortestTimeLeft,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed, Serilog.Events.LogEventLevel.Error);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var limits = new WalStatusLimits(
            parsed.GetValue(LongestWait) ?? service.Settings.Objectives.Rpo, parsed.GetValue(ShortestTimeLeft) ?? WalStatusLimits.DefaultTimeLeft);
        var status = await new WalStatusReader(service).ReadAsync(parsed.GetValue(Sample) ?? DefaultSample, limits, cancellation);
        var exitCode = ExitCode(status);
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(WalStatusJson.Of(status, limits, exitCode == ExitCodes.Success));
        }
        else
        {
            WalStatusText.Print(status);
        }

        return exitCode;
    }

    static int ExitCode(WalStatus status) => status switch
    {
        { Problems.Count: > 0 } => ExitCodes.Verdict,
        _ when status.Repositories.Any(r => r.Unanswered is not null) => ExitCodes.Repository,
        { ServerUnanswered: not null } => ExitCodes.Server,
        _ => ExitCodes.Success,
    };
}
