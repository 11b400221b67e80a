using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Configuration;
using Pitr.Operations.Repositories.Validation;
using Pitr.Storage;
using Spectre.Console;
using ValidationResult = Pitr.Operations.Repositories.Validation.ValidationResult;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo validate`: whether a repository keeps what repositories promise.</summary>
static class RepoValidateCommand
{
    static readonly Argument<string> Name = GlobalOptions.Repository();
    static readonly Option<string> Size = new("--size")
    {
        Description = "Size of the large object, e.g. 64MiB, 1GB",
        HelpName = "SIZE",
        DefaultValueFactory = _ => "64MiB",
    };

    public static Command Create()
    {
        Size.Validators.Add(result =>
        {
            if (ParseSize(result.GetValueOrDefault<string>()!) is null)
            {
                result.AddError($"--size takes {ConfigurationUnits.SizeHint}");
            }
        });
        var command = new Command(
            "validate",
            """
            Try on the repository itself every promise that pitr relies on, with a verdict for each, and measure it. Takes seconds; works below a
            prefix of its own and leaves nothing behind. Exits 9 when a promise is broken.

              pitr repo validate offsite
              pitr repo validate offsite --size 1GiB --output json
            """)
        {
            Name, Size,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var store = context.OpenRepository(parsed.GetValue(Name)!);
        var validation = new RepositoryValidation(store, ParseSize(parsed.GetValue(Size)!)!.Value, CommandContext.Clock, context.Log);
        ValidationReport report;
        if (context.Output == OutputFormat.Json)
        {
            report = await validation.RunAsync(begins: null, ends: null, cancellation);
            Json.Write(ToJson(store, report));
        }
        else
        {
            report = await PrintAsync(validation, store, cancellation);
        }

        foreach (var key in report.LeftBehind)
        {
            Console.Error.WriteLine($"pitr: repository \"{store.Name}\", object \"{key}\" could not be removed");
        }

        if (report.LeftBehind.Count > 0)
        {
            Console.Error.WriteLine($"HINT: pitr repo rm {store.Name} {report.Prefix} --recursive");
        }

        return report.Passed ? ExitCodes.Success : ExitCodes.Verdict;
    }

    static async Task<ValidationReport> PrintAsync(RepositoryValidation validation, IObjectStore store, CancellationToken cancellation)
    {
        AnsiConsole.MarkupLine($"repository [bold]{Markup.Escape(store.Name)}[/], {Markup.Escape(store.Location)}");
        ValidationReport report;
        using (var display = Console.IsErrorRedirected ? null : new ProgressDisplay())
        {
            report = await validation.RunAsync(
                new Forward<string>(title => display?.Show(title, 0, 0)),
                new Forward<ValidationResult>(result =>
                {
                    display?.Clear();
                    Print(result);
                }),
                cancellation);
        }

        Print(report.Rates);
        if (store.Capabilities.Remark is { } remark)
        {
            AnsiConsole.MarkupLine($"note: {Markup.Escape(remark)}");
        }

        AnsiConsole.MarkupLine(Sentence(store, report));
        return report;
    }

    static void Print(ValidationResult result)
    {
        var (text, colour) = result.Verdict switch
        {
            ValidationVerdict.Kept => ("ok", "green"),
            ValidationVerdict.Broken => ("FAIL", "red"),
            ValidationVerdict.NotPromised => ("not promised", "yellow"),
            _ => ("declared", "blue"),
        };
        AnsiConsole.MarkupLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  [{colour}]{text,-12}[/]  {result.Promise,-16}  {Markup.Escape(result.Title)}: {Markup.Escape(result.Detail)} [dim]({result.Elapsed.TotalSeconds:0.00} s)[/]"));
    }

    static void Print(ValidationRates rates)
    {
        if (rates is { PutMedian: { } put, GetMedian: { } get })
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"4 KiB, one at a time:   put {put.TotalMilliseconds:0.0} ms (p95 {rates.PutSlow!.Value.TotalMilliseconds:0.0} ms), get {get.TotalMilliseconds:0.0} ms (p95 {rates.GetSlow!.Value.TotalMilliseconds:0.0} ms)"));
        }

        if (rates is { PutsPerSecond: { } puts, GetsPerSecond: { } gets })
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"64 KiB, 16 at a time:   {puts:0} puts/s, {gets:0} gets/s"));
        }

        if (rates is { Upload: { } up, Download: { } down })
        {
            Console.WriteLine($"large object:           up {Texts.Size((long)up)}/s, down {Texts.Size((long)down)}/s");
        }
    }

    static string Sentence(IObjectStore store, ValidationReport report)
    {
        var broken = report.Results.Count(result => result.Verdict == ValidationVerdict.Broken);
        var missing = report.Results.Count(result => result.Verdict == ValidationVerdict.NotPromised);
        var name = Markup.Escape(store.Name);
        return broken > 0
            ? $"[red]FAILED[/]  {name} breaks {broken} of {report.Results.Count} promises: do not rely on it for backups"
            : report.LeftBehind.Count > 0
                ? $"[red]FAILED[/]  {name} did not let everything be removed again"
                : $"[green]PASSED[/]  {name} keeps what it promises{(missing > 0 ? $"; {missing} not promised, see above" : "")}";
    }

    static JsonObject ToJson(IObjectStore store, ValidationReport report) => new()
    {
        ["format"] = 1,
        ["repository"] = store.Name,
        ["location"] = store.Location,
        ["verdict"] = report.Passed ? "passed" : "failed",
        ["remark"] = store.Capabilities.Remark,
        ["promises"] = Json.Array(report.Results, result => new JsonObject
        {
            ["name"] = result.Promise,
            ["title"] = result.Title,
            ["verdict"] = result.Verdict switch
            {
                ValidationVerdict.Kept => "kept",
                ValidationVerdict.Broken => "broken",
                ValidationVerdict.NotPromised => "not-promised",
                _ => "declared",
            },
            ["detail"] = result.Detail,
            ["seconds"] = Math.Round(result.Elapsed.TotalSeconds, 3),
        }),
        ["rates"] = new JsonObject
        {
            ["put-p50-seconds"] = report.Rates.PutMedian?.TotalSeconds,
            ["put-p95-seconds"] = report.Rates.PutSlow?.TotalSeconds,
            ["get-p50-seconds"] = report.Rates.GetMedian?.TotalSeconds,
            ["get-p95-seconds"] = report.Rates.GetSlow?.TotalSeconds,
            ["puts-per-second"] = Rounded(report.Rates.PutsPerSecond),
            ["gets-per-second"] = Rounded(report.Rates.GetsPerSecond),
            ["upload-bytes-per-second"] = Rounded(report.Rates.Upload),
            ["download-bytes-per-second"] = Rounded(report.Rates.Download),
        },
        ["left-behind"] = Json.Array(report.LeftBehind, key => key),
    };

    static double? Rounded(double? value) => value is { } number ? Math.Round(number, 1) : null;

    static long? ParseSize(string text) => ConfigurationUnits.TryParseSize(text, out var bytes) && bytes > 0 ? bytes : null;
}
