using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Archive.Verify;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal verify`: proves that archived WAL can be read, is what its names say, and hangs together.</summary>
static class WalVerifyCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<int?> Sample = SampleOption();
    static readonly Option<string?> Since = VerifySince.Create("Segments from a moment (with its zone) or a WAL position on");
    static readonly Option<string?> OnTimeline = WalTimelineOption.Create();
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        var command = new Command(
            "verify",
            """
            Fetch archived WAL from every repository and prove that it can be used: it opens and is authentic, it is what its name says
            and of this cluster, its records are sound and follow those of the segment before, copies agree, histories agree with the
            branch points, and nothing is missing in between. Needs the identity. Changes nothing.

            Exits 9 when something is found, 4 when a repository could not be asked, 6 when no key opens anything.

              pitr wal verify main
              pitr wal verify main --sample 500 --repository offsite
              pitr wal verify main --since '2026-11-20 00:00:00+00' --output json
              pitr wal verify main --timeline 2 --since 16/B3000000
            """)
        {
            ServiceName, Repositories, Sample, Since, OnTimeline, Jobs,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var (lsn, time) = VerifySince.Read(parsed.GetValue(Since));
        var options = new WalVerifyOptions(parsed.GetValue(Sample), lsn, time, WalTimelineOption.Read(parsed.GetValue(OnTimeline)), parsed.GetValue(Jobs), Random.Shared);
        WalVerifyReport report;
        using (var display = new ProgressDisplay())
        {
            report = await new WalVerification(service).RunAsync(
                options, null, (done, total) => display.Show("verifying", done, total), cancellation);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(service.Name.ToString(), report));
        }
        else
        {
            Print(service.Name.ToString(), report);
        }

        return FindingOutput.ExitCode(report.FindingCount, report.Passed);
    }

    static Option<int?> SampleOption()
    {
        var option = new Option<int?>("--sample") { Description = "Only so many segments, chosen at random in pairs of neighbours; gaps are still looked for everywhere", HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1)
            {
                result.AddError("--sample takes a number from 1 up");
            }
        });
        return option;
    }

    static void Print(string service, WalVerifyReport report)
    {
        AnsiConsole.MarkupLine($"{Markup.Escape(service)}: {report.Segments} segments verified in {Texts.Span(report.Took)}, {FindingOutput.Summary(report.FindingCount, report.Passed)}");
        var table = new Table().Border(TableBorder.Simple).AddColumns("repository", "objects", "of them pieces", "content", "owed", "");
        foreach (var repository in report.Repositories)
        {
            table.AddRow(
                Markup.Escape(repository.Name),
                $"{repository.Objects}",
                $"{repository.Pieces}",
                Texts.Size(repository.Bytes),
                $"{repository.Owed}",
                repository.Unanswered is { } reason ? $"[red]could not be asked: {Markup.Escape(reason)}[/]" : "");
        }

        AnsiConsole.Write(table);
        FindingOutput.Print(report.Findings, report.FindingCount);
    }

    static JsonObject ToJson(string service, WalVerifyReport report) => new()
    {
        ["format"] = 1,
        ["service"] = service,
        ["passed"] = report.Passed,
        ["segments"] = report.Segments,
        ["seconds"] = report.Took.TotalSeconds,
        ["repositories"] = Json.Array(report.Repositories, repository => new JsonObject
        {
            ["name"] = repository.Name,
            ["answered"] = repository.Unanswered is null,
            ["reason"] = repository.Unanswered,
            ["objects"] = repository.Objects,
            ["bytes"] = repository.Bytes,
            ["pieces"] = repository.Pieces,
            ["owed"] = repository.Owed,
        }),
        ["finding-count"] = report.FindingCount,
        ["findings"] = FindingOutput.ToJson(report.Findings),
    };
}
