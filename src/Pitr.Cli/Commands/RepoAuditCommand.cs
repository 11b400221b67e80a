using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Repositories.Belonging;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo audit`: what lies in a repository and does not belong there.</summary>
static class RepoAuditCommand
{
    const int MostExamples = 3;

    static readonly Argument<string> Name = GlobalOptions.Repository();
    static readonly Option<string[]> Allow = new("--allow")
    {
        Description = "Leave names that begin with it aside: what was put there on purpose (several: again, or with commas)",
        HelpName = "PREFIX",
        CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    static readonly Option<bool> NamesOnly = new("--names-only") { Description = "Look at names only, and read nothing: faster, and on S3 one request for a thousand objects instead of one for each" };
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        var command = new Command(
            "audit",
            """
            Look a repository over for what does not belong there: names that pitr does not give, objects that are not sealed or begin otherwise than
            their place demands, of a newer format, or of a service that the repository does not know. In a directory also links, sockets, files of
            other users or that others may read, and what killed processes left. Reads names and the first bytes of each object; `pitr verify` reads
            the rest. Needs no identity, and changes nothing.

            Exits 9 when something is found, 4 when something could not be looked at.

              pitr repo audit local
              pitr repo audit offsite --allow notes/,scripts/
              pitr repo audit offsite --names-only --output json
            """)
        {
            Name, Allow, NamesOnly, Jobs,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var name = parsed.GetValue(Name)!;
        await using var store = context.OpenRepository(name);
        var options = new BelongingOptions { Jobs = parsed.GetValue(Jobs), NamesOnly = parsed.GetValue(NamesOnly), Allowed = parsed.GetValue(Allow) ?? [] };
        BelongingReport report;
        using (var display = new ProgressDisplay())
        {
            var tree = RepositoryOpener.OpenTree(context.Configuration.Repository(name), CommandContext.Clock);
            report = await new BelongingRun(store, tree, CommandContext.Clock).RunAsync(options, seen => display.Show($"{seen} objects seen", 0, 0), cancellation);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(store.Name, store.Location, report));
        }
        else
        {
            Print(store.Name, report);
        }

        return FindingOutput.ExitCode(report.FindingCount, report.Passed);
    }

    static void Print(string name, BelongingReport report)
    {
        AnsiConsole.MarkupLine(
            $"{Markup.Escape(name)}: {report.Objects} objects, the first bytes of {report.HeadsRead} read in {Texts.Span(report.Took)}, {FindingOutput.Summary(report.FindingCount, report.Passed)}");
        if (report.Allowed + report.Unfinished > 0)
        {
            Console.WriteLine($"left aside: {report.Allowed} under allowed names, {report.Unfinished} that somebody may be writing");
        }

        if (report.FindingCount > 0)
        {
            var table = new Table().Border(TableBorder.Simple).AddColumns("kind", "count", "examples");
            table.Columns[1].RightAligned();
            foreach (var (kind, count) in report.Counts)
            {
                var examples = report.Findings.Where(f => f.Kind == kind).Take(MostExamples).ToArray();
                table.AddRow(
                    $"[red]{FindingOutput.Word(kind)}[/]", $"{count}",
                    string.Join('\n', examples.Select(f => Markup.Escape($"{f.Object} {f.Text}")).Append($"[yellow]fix:[/] {Markup.Escape(examples[0].Hint!)}")));
            }

            AnsiConsole.Write(table);
        }

        foreach (var (what, reason) in report.Unknowns.Take(MostExamples))
        {
            AnsiConsole.MarkupLine($"[yellow]not known[/]  {Markup.Escape($"{what}: {reason}")}");
        }

        if (report.Unknown > MostExamples)
        {
            AnsiConsole.MarkupLine($"[yellow]not known[/]  and {report.Unknown - MostExamples} more");
        }
    }

    static JsonObject ToJson(string name, string location, BelongingReport report) => new()
    {
        ["format"] = 1,
        ["repository"] = name,
        ["location"] = location,
        ["passed"] = report.Passed,
        ["seconds"] = Math.Round(report.Took.TotalSeconds, 3),
        ["objects"] = report.Objects,
        ["heads-read"] = report.HeadsRead,
        ["allowed"] = report.Allowed,
        ["unfinished"] = report.Unfinished,
        ["finding-count"] = report.FindingCount,
        ["counts"] = new JsonObject(report.Counts.Select(c => KeyValuePair.Create(FindingOutput.Word(c.Kind), (JsonNode?)c.Count))),
        ["findings"] = FindingOutput.ToJson(report.Findings),
        ["unknown-count"] = report.Unknown,
        ["unknown"] = Json.Array(report.Unknowns, u => new JsonObject { ["object"] = u.Name, ["reason"] = u.Reason }),
    };
}
