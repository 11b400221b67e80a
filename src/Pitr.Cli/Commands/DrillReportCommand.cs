using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Drill;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr drill report`: past drills.</summary>
static class DrillReportCommand
{
    const string Newest = "latest";

    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Argument<string?> Id = new("ID") { Description = "One drill, as the list names it, or latest; without it they are listed", Arity = ArgumentArity.ZeroOrOne };
    static readonly Option<int> Last = LastOption();
    static readonly Option<string?> Html = new("--html") { Description = "Also write that drill (without ID the newest) as one self-contained HTML file, with the trend over past drills", HelpName = "FILE" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "report",
            """
            List past drills of a service, newest first, or show one. The reports lie in the repositories, the newest thousand of them; what every
            repository that answers has is shown. Needs no identity.

              pitr drill report main
              pitr drill report main latest
              pitr drill report main 20261121T101257Z-3f2a --html drill.html
              pitr drill report main --last 500 --output json
            """)
        {
            ServiceName, Id, Last, Html, Repositories,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var service = context.OpenAnyService(parsed.GetValue(ServiceName) ?? parsed.GetValue(DrillCommand.ServiceName), parsed.GetValue(Repositories));
        var history = new DrillHistory(service);
        var id = parsed.GetValue(Id);
        var html = parsed.GetValue(Html);
        var last = parsed.GetValue(Last);
        var (reports, unreadable) = id is null or Newest || html is not null
            ? await history.ReadAsync(html is null ? last : Math.Max(last, DrillReportHtml.TrendLength), cancellation)
            : ([], []);
        var one = id switch
        {
            null => null,
            Newest => NewestOf(reports, service),
            _ => await history.FindAsync(id, cancellation),
        };
        if (one is not null)
        {
            DrillOutput.Show(context.Output, one);
        }
        else if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(service, [.. reports.Take(last)], unreadable));
        }
        else
        {
            Print([.. reports.Take(last)], unreadable, service.Repositories.Unanswered);
        }

        if (html is not null)
        {
            await DrillOutput.WriteHtmlAsync(html, one ?? NewestOf(reports, service), reports, cancellation);
        }

        return unreadable.Count > 0 ? ExitCodes.Damaged : service.Repositories.IsIncomplete ? ExitCodes.Repository : ExitCodes.Success;
    }

    static DrillReport NewestOf(IReadOnlyList<DrillReport> reports, OpenedService service) =>
        reports.Count > 0 ? reports[0] : throw new RefusedInputException($"service {service.Name} has no drill", $"`pitr drill {service.Name}` does one");

    static void Print(IReadOnlyList<DrillReport> reports, IReadOnlyList<string> unreadable, IReadOnlyDictionary<string, string> unanswered)
    {
        if (reports.Count == 0)
        {
            Console.WriteLine("no drill is recorded");
        }
        else
        {
            var table = new Table().Border(TableBorder.Simple).AddColumns("drill", "requested", "target", "verdict", "RTO", "RPO", "host");
            foreach (var report in reports)
            {
                table.AddRow(
                    Markup.Escape(report.Id), Texts.Moment(report.Requested), Markup.Escape(report.Target) + (report.RandomSeed is null ? "" : " (random)"),
                    report.Passed ? "[green]passed[/]" : "[red]failed[/]", Figure(report.RtoSeconds, report.RtoObjectiveSeconds), Figure(report.RpoSeconds, report.RpoObjectiveSeconds), Markup.Escape(report.Host));
            }

            AnsiConsole.Write(table);
        }

        foreach (var key in unreadable)
        {
            AnsiConsole.MarkupLine($"[red]{Markup.Escape(key)} cannot be read[/]");
        }

        foreach (var (repository, reason) in unanswered)
        {
            AnsiConsole.MarkupLine($"[yellow]repository {Markup.Escape(repository)} did not answer[/]: {Markup.Escape(reason)}");
        }
    }

    static string Figure(double? measured, double objective) =>
        measured > objective ? $"[red]{DrillOutput.Measured(measured)}[/] of {Texts.Span(objective)}" : DrillOutput.Measured(measured);

    static JsonObject ToJson(OpenedService service, IReadOnlyList<DrillReport> reports, IReadOnlyList<string> unreadable) => new()
    {
        ["format"] = 1,
        ["service"] = service.Name.Value,
        ["complete"] = !service.Repositories.IsIncomplete,
        ["drills"] = Json.Array(reports, report => new JsonObject
        {
            ["id"] = report.Id,
            ["requested"] = Json.Moment(report.Requested),
            ["host"] = report.Host,
            ["target"] = report.Target,
            ["random-seed"] = report.RandomSeed,
            ["backup"] = report.Backup,
            ["verdict"] = report.Verdict,
            ["failures"] = Json.Array(report.Failures, failure => failure),
            ["warnings"] = report.Warnings.Count,
            ["rto-seconds"] = report.RtoSeconds,
            ["rto-objective-seconds"] = report.RtoObjectiveSeconds,
            ["rpo-seconds"] = report.RpoSeconds,
            ["rpo-objective-seconds"] = report.RpoObjectiveSeconds,
        }),
        ["unreadable"] = Json.Array(unreadable, key => key),
    };

    static Option<int> LastOption()
    {
        var option = new Option<int>("--last") { Description = "List so many at most, the newest", HelpName = "N", DefaultValueFactory = _ => 20 };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > DrillHistory.Kept)
            {
                result.AddError($"--last takes a number from 1 to {DrillHistory.Kept}");
            }
        });
        return option;
    }
}
