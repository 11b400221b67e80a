using System.Text.Json.Nodes;
using Pitr.Operations.Verify;
using Spectre.Console;

namespace Pitr.Cli.Output;

/// <summary>How findings are written, whoever found them.</summary>
static class FindingOutput
{
    /// <summary>For people.</summary>
    /// <param name="findings">The first ones.</param>
    /// <param name="count">How many there are.</param>
    public static void Print(IReadOnlyList<Finding> findings, long count)
    {
        foreach (var finding in findings)
        {
            var where = finding.Repository is null ? "" : $"{finding.Repository}: ";
            AnsiConsole.MarkupLine($"[red]{Word(finding.Kind),-13}[/] {Markup.Escape($"{where}{finding.Object} {finding.Text}")}");
            if (finding.Hint is { } hint)
            {
                AnsiConsole.MarkupLine($"              [yellow]fix:[/] {Markup.Escape(hint)}");
            }
        }

        if (count > findings.Count)
        {
            AnsiConsole.MarkupLine($"and {count - findings.Count} more");
        }
    }

    /// <summary>The end of the first line.</summary>
    public static string Summary(long findings, bool passed) =>
        findings > 0 ? $"[red]{findings} finding(s)[/]" : passed ? "[green]nothing wrong[/]" : "[yellow]nothing wrong in what could be asked[/]";

    /// <summary>For programs.</summary>
    public static JsonArray ToJson(IReadOnlyList<Finding> findings) => Json.Array(findings, finding => new JsonObject
    {
        ["kind"] = Word(finding.Kind),
        ["repository"] = finding.Repository,
        ["object"] = finding.Object,
        ["text"] = finding.Text,
        ["hint"] = finding.Hint,
    });

    /// <summary>The exit code: findings first, then what could not be asked.</summary>
    public static int ExitCode(long findings, bool passed) => findings > 0 ? ExitCodes.Verdict : passed ? ExitCodes.Success : ExitCodes.Repository;

    /// <summary>The kind as documented in docs/json.md.</summary>
    public static string Word(FindingKind kind) => kind switch
    {
        FindingKind.Gap => "gap",
        FindingKind.Missing => "missing",
        FindingKind.Damaged => "damaged",
        FindingKind.WrongContent => "wrong-content",
        FindingKind.Foreign => "foreign",
        FindingKind.Differs => "differs",
        FindingKind.BrokenChain => "broken-chain",
        FindingKind.History => "history",
        FindingKind.NoKey => "no-key",
        FindingKind.UnexpectedName => "unexpected-name",
        FindingKind.NotSealed => "not-sealed",
        FindingKind.NewerFormat => "newer-format",
        FindingKind.UnknownService => "unknown-service",
        FindingKind.Leftover => "leftover",
        FindingKind.NotRegular => "not-regular",
        FindingKind.ForeignOwner => "foreign-owner",
        FindingKind.Exposed => "exposed",
        _ => "not-wal",
    };
}
