using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Drill;
using Pitr.Operations.Restore;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr drill`: proves that recovery works, with a verdict.</summary>
static class DrillCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly RestoreTargetOptions Target = new();
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string?> Report = new("--report") { Description = "Also write the report as one self-contained HTML file", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command(
            "drill",
            """
            Restore for real into scratch space, replay, start, check, time every phase, and hold RPO and RTO against the objectives.

            Exits 9 when an objective is missed or a check fails. The live cluster is not touched; scratch space is cleaned up. The
            report is stored in the repository too.

              pitr drill main
              pitr drill main --repository offsite        proves that this one alone is enough
              pitr drill main --target-time '2026-11-21 03:15:00+09' --report drill.html
            """)
        {
            ServiceName,
        };
        Target.AddTo(command);
        command.Options.Add(Repositories);
        command.Options.Add(Report);
        command.SetAction(Audited.Action("drill", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        RootRefusal.Require("PostgreSQL does not run as root", "drill");
        var request = Target.Read(parsed);
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        await using var handler = context.CreateArchiveHandler(service);
        DrillReport report;
        using (var display = new ProgressDisplay())
        {
            var run = new DrillRun(service, handler, context.ArchiveCommands(service.Name.ToString()));
            report = await run.RunAsync(request, new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        notes.Subject = report.Id;
        notes.Details["verdict"] = report.Passed ? "passed" : "failed";
        if (parsed.GetValue(Report) is { } path)
        {
            await File.WriteAllTextAsync(path, DrillReportHtml.Render(report), cancellation);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(JsonNode.Parse(report.ToJson())!);
        }
        else
        {
            Print(report);
        }

        return report.Passed ? ExitCodes.Success : ExitCodes.Verdict;
    }

    static void Print(DrillReport report)
    {
        AnsiConsole.MarkupLine(report.Passed
            ? $"[green]PASSED[/]  drill {report.Id} of {report.Service}: recovered to {Markup.Escape(report.Target)} from backup {report.Backup}"
            : $"[red]FAILED[/]  drill {report.Id} of {report.Service}, target {Markup.Escape(report.Target)}");
        var figures = new Table().Border(TableBorder.Simple).AddColumns("", "measured", "objective", "");
        figures.AddRow("RTO", Measured(report.RtoSeconds), Texts.Span(report.RtoObjectiveSeconds), "request to accepting connections");
        figures.AddRow("RPO", Measured(report.RpoSeconds), Texts.Span(report.RpoObjectiveSeconds), Markup.Escape(report.RpoBasis ?? ""));
        AnsiConsole.Write(figures);
        var longest = report.Phases.Count == 0 ? 1 : Math.Max(report.Phases.Max(p => p.Seconds), 0.001);
        foreach (var phase in report.Phases)
        {
            AnsiConsole.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"  {phase.Name,-8} {phase.Seconds,7:0.00} s  [blue]{new string('█', (int)Math.Ceiling(phase.Seconds / longest * 30))}[/]"));
        }

        foreach (var check in report.Checks)
        {
            AnsiConsole.MarkupLine($"  {(check.Passed ? "[green]pass[/]" : "[red]FAIL[/]")}  {Markup.Escape(check.Name)}: {Markup.Escape(check.Detail)}");
        }

        if (report.DamagedPages > 0)
        {
            AnsiConsole.MarkupLine($"  [red]the backup holds {DamageOutput.Sentence(report.DamagedPages, report.Damage)}[/]");
        }

        foreach (var failure in report.Failures)
        {
            AnsiConsole.MarkupLine($"  [red]{Markup.Escape(failure)}[/]");
        }
    }

    static string Measured(double? seconds) => seconds is { } value ? Texts.Span(value) : "unknown";
}
