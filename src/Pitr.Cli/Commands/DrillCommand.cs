using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Drill;
using Pitr.Operations.Drill.Dumps;
using Pitr.Operations.Drill.Files;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr drill`: proves that recovery works, with a verdict.</summary>
static class DrillCommand
{
    /// <summary>The service; `pitr drill main report` means it too.</summary>
    public static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);

    static readonly RestoreTargetOptions Target = new(withRandom: true);
    static readonly Option<int?> Seed = new("--seed") { Description = "With --target random: choose as an earlier drill did (its report has the seed)", HelpName = "N" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string?> Scratch = GlobalOptions.Scratch();
    static readonly Option<string?> Report = new("--report") { Description = "Also write the report as one self-contained HTML file", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command(
            "drill",
            """
            Restore for real into scratch space, replay, start, check, time every phase, and hold RPO and RTO against the objectives.

            Every table is read, the queries of `drill.checks` are asked, pg_amcheck and pg_checksums look at every page. Exits 9 when an objective is missed
            or a check fails. The live cluster is not touched; scratch space is cleaned up. The report is stored in the repository.

              pitr drill main
              pitr drill main --target random             any moment of the recovery window; what nobody has thought of
              pitr drill main --repository offsite        proves that this one alone is enough
              pitr drill main --target-time '2026-11-21 03:15:00+09' --report drill.html
              pitr drill report main                      past drills; a service called report: pitr drill -- report

            Dumps (kinds postgres-dump, mysql, redis) are restored into a server of the same product that is made for it on this host and reached by nobody else;
            its counts are compared with those of the backup:

              pitr drill shop                             the newest dump
              pitr drill shop --backup 20261121T031500Z

            Files (kind files) are restored into scratch space, counted, held against the backup and read back from the disk; then the commands and paths of
            `drill.checks` are tried:

              pitr drill etc
              pitr drill etc --path /etc/nginx            a part of it
              pitr drill etc --scratch /srv --keep        the restored tree stays, in a directory made below /srv
            """)
        {
            ServiceName,
        };
        Target.AddTo(command);
        command.Options.Add(Repositories);
        command.Options.Add(Scratch);
        command.Options.Add(Seed);
        command.Options.Add(Report);
        FilesDrillOptions.AddTo(command);
        command.Subcommands.Add(DrillReportCommand.Create());
        command.SetAction(Audited.Action("drill", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        if (context.HasFiles(parsed.GetValue(ServiceName)))
        {
            return await RunFilesAsync(parsed, context, notes, cancellation);
        }

        FilesDrillOptions.RequireNone(parsed);
        if (context.HasDumps(parsed.GetValue(ServiceName)))
        {
            return await RunDumpAsync(parsed, context, notes, cancellation);
        }

        RootRefusal.Require("PostgreSQL does not run as root", "drill");
        var request = ReadRequest(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        await using var handler = context.CreateArchiveHandler(service);
        notes.Details["target"] = Target.IsRandom(parsed) ? "random" : request.Recovery.Target.ToString();
        await notes.BeginAsync(cancellation);
        DrillReport report;
        using (var display = new ProgressDisplay())
        {
            var run = new DrillRun(service, handler, context.ArchiveCommands(service.Name.ToString())) { ScratchDirectory = parsed.GetValue(Scratch) };
            report = await run.RunAsync(request, new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        return await FinishAsync(parsed, context, service, notes, report, cancellation);
    }

    static async Task<int> RunDumpAsync(ParseResult parsed, CommandContext context, AuditNotes notes, CancellationToken cancellation)
    {
        DumpRestoreOptions.RequireNoOther(parsed, Repositories, Scratch, Report, Target.Backup);
        if (Environment.IsPrivilegedProcess)
        {
            throw new RefusedInputException(
                "a drill runs a server of its own, which must not be root",
                "run it as the user that takes the backups, who may read the configuration and the identity: sudo -u USER pitr drill …");
        }

        await using var service = context.OpenDumpService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        await notes.BeginAsync(cancellation);
        DrillReport report;
        using (var display = new ProgressDisplay())
        {
            var run = new DumpDrillRun(service) { ScratchDirectory = parsed.GetValue(Scratch) };
            report = await run.RunAsync(
                DumpRestoreOptions.ReadBackup(Target.ReadWord(parsed)), new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        return await FinishAsync(parsed, context, service, notes, report, cancellation);
    }

    static async Task<int> RunFilesAsync(ParseResult parsed, CommandContext context, AuditNotes notes, CancellationToken cancellation)
    {
        var request = FilesDrillOptions.Read(parsed, Target.ReadWord(parsed), Scratch, Repositories, Report, Target.Backup);
        await using var service = context.OpenFilesService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        await notes.BeginAsync(cancellation);
        DrillReport report;
        var run = new FilesDrillRun(service) { ScratchDirectory = parsed.GetValue(Scratch), Keep = FilesDrillOptions.IsKept(parsed) };
        using (var display = new ProgressDisplay())
        {
            report = await run.RunAsync(request, new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        if (run.Kept is { } kept)
        {
            Console.Error.WriteLine($"the restored tree is in {kept}; nobody else removes it: rm -r {Path.GetDirectoryName(kept)}");
        }

        return await FinishAsync(parsed, context, service, notes, report, cancellation);
    }

    static async Task<int> FinishAsync(ParseResult parsed, CommandContext context, OpenedService service, AuditNotes notes, DrillReport report, CancellationToken cancellation)
    {
        notes.Subject = report.Id;
        notes.Details["verdict"] = report.Passed ? "passed" : "failed";
        notes.Details["target"] = report.Target;
        DrillOutput.Show(context.Output, report);
        if (parsed.GetValue(Report) is { } path)
        {
            var (history, _) = await new DrillHistory(service).ReadAsync(DrillReportHtml.TrendLength, cancellation);
            await DrillOutput.WriteHtmlAsync(path, report, history, cancellation);
        }

        return report.Passed ? ExitCodes.Success : ExitCodes.Verdict;
    }

    static DrillRequest ReadRequest(ParseResult parsed)
    {
        var recovery = Target.Read(parsed);
        var seed = parsed.GetValue(Seed);
        if (!Target.IsRandom(parsed))
        {
            return seed is null ? new DrillRequest(recovery) : throw new RefusedInputException("--seed belongs to --target random", "add --target random, or leave it out");
        }

        return recovery.Backup is null && recovery.Timeline == "latest" && recovery.Target.Inclusive
            ? new DrillRequest(recovery, seed ?? Random.Shared.Next())
            : throw new RefusedInputException("--target random chooses moment, timeline and backup by itself", "leave --backup, --target-timeline and --exclusive out, or name a target");
    }
}
