using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Drill;
using Pitr.Operations.Errors;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>Shows the report of one drill.</summary>
static class DrillOutput
{
    const int MostTables = 10;

    /// <summary>Writes it as the command line wants it.</summary>
    public static void Show(OutputFormat output, DrillReport report)
    {
        if (output == OutputFormat.Json)
        {
            Json.Write(JsonNode.Parse(report.ToJson())!);
        }
        else
        {
            Print(report);
        }
    }

    /// <summary>Writes it as one HTML file.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="report">The drill.</param>
    /// <param name="history">Drills for the trend, in any order; the drill itself may be among them.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RefusedInputException">It cannot be written.</exception>
    public static async Task WriteHtmlAsync(string path, DrillReport report, IReadOnlyList<DrillReport> history, CancellationToken cancellation)
    {
        try
        {
            await File.WriteAllTextAsync(path, DrillReportHtml.Render(report, history), cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedInputException(
                $"the page of drill {report.Id}, which {report.Verdict}, cannot be written: {e.Message}",
                $"the report is stored: pitr drill report {report.Service} {report.Id} --html FILE writes the page elsewhere",
                e);
        }
    }

    static void Print(DrillReport report)
    {
        AnsiConsole.MarkupLine(report.Passed
            ? $"[green]PASSED[/]  drill {Markup.Escape(report.Id)} of {Markup.Escape(report.Service)}: recovered to {Target(report)} from backup {Markup.Escape(report.Backup ?? "")}"
            : $"[red]FAILED[/]  drill {Markup.Escape(report.Id)} of {Markup.Escape(report.Service)}, target {Target(report)}");
        var figures = new Table().Border(TableBorder.Simple).AddColumns("", "measured", "objective", "");
        figures.AddRow("RTO", Measured(report.RtoSeconds), Texts.Span(report.RtoObjectiveSeconds), report.RtoMeaning);
        figures.AddRow("RPO", Measured(report.RpoSeconds), Texts.Span(report.RpoObjectiveSeconds), Markup.Escape(report.RpoBasis ?? ""));
        AnsiConsole.Write(figures);
        var longest = report.Phases.Count == 0 ? 1 : Math.Max(report.Phases.Max(p => p.Seconds), 0.001);
        foreach (var phase in report.Phases)
        {
            AnsiConsole.MarkupLine(string.Create(
                CultureInfo.InvariantCulture, $"  {Markup.Escape(phase.Name),-8} {phase.Seconds,7:0.00} s  [blue]{new string('█', (int)Math.Ceiling(Math.Clamp(phase.Seconds / longest, 0, 1) * 30))}[/]"));
        }

        foreach (var check in report.Checks)
        {
            AnsiConsole.MarkupLine($"  {(check.Passed ? "[green]pass[/]" : "[red]FAIL[/]")}  {Markup.Escape(check.Name)}: {Markup.Escape(check.Detail)}");
        }

        PrintRows(report);
        if (report.Tree is { } tree)
        {
            AnsiConsole.MarkupLine($"  {Markup.Escape(tree.ToString())}; {Markup.Escape(tree.Earlier)}");
        }

        if (report.DamagedPages > 0)
        {
            AnsiConsole.MarkupLine($"  [red]the backup holds {DamageOutput.Sentence(report.DamagedPages, report.Damage)}[/]");
        }

        foreach (var warning in report.Warnings)
        {
            AnsiConsole.MarkupLine($"  [yellow]{Markup.Escape(warning)}[/]");
        }

        foreach (var failure in report.Failures)
        {
            AnsiConsole.MarkupLine($"  [red]{Markup.Escape(failure)}[/]");
        }
    }

    static string Target(DrillReport report) =>
        Markup.Escape(report.RandomSeed is { } seed ? string.Create(CultureInfo.InvariantCulture, $"{report.Target} (random, seed {seed})") : report.Target);

    static void PrintRows(DrillReport report)
    {
        if (report.RowCounts is not { Largest.Count: > 0 } counts)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("database", "table", "rows", counts.ComparedWith is { } earlier ? $"before ({Markup.Escape(earlier)})" : "before", "change");
        for (var column = 2; column < table.Columns.Count; column++)
        {
            table.Columns[column].RightAligned();
        }

        foreach (var rows in counts.Largest.Take(MostTables))
        {
            table.AddRow(
                Markup.Escape(rows.Database), Markup.Escape(rows.Table), Number(rows.Rows), rows.Before is { } before ? Number(before) : "",
                rows.Before is { } was ? (rows.Rows - was).ToString("+#,0;-#,0;0", CultureInfo.InvariantCulture) : "");
        }

        AnsiConsole.Write(table);
        if (counts.Tables > MostTables)
        {
            Console.WriteLine($"  {counts.Tables} tables with {Number(counts.Rows)} rows; the {MostTables} largest are shown");
        }
    }

    static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A measured time, or that it is unknown.</summary>
    public static string Measured(double? seconds) => seconds is { } value ? Texts.Span(value) : "unknown";
}
