using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Archive.Search;
using Pitr.Postgres;
using Pitr.Postgres.Wal.Footprints;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>Shows what a search found.</summary>
sealed class WalSearchOutput(string service, WalSearchRequest request, WalSearchReport report)
{
    /// <summary>The words for what can be looked for.</summary>
    public static readonly IReadOnlyDictionary<string, WalSearchKinds> KindNames = new Dictionary<string, WalSearchKinds>(StringComparer.Ordinal)
    {
        ["destructive"] = WalSearchKinds.Destructive,
        ["drop"] = WalSearchKinds.Drop,
        ["truncate"] = WalSearchKinds.Truncate,
        ["files-removed"] = WalSearchKinds.FilesRemoved,
        ["database-drop"] = WalSearchKinds.DatabaseDrop,
        ["restore-point"] = WalSearchKinds.RestorePoint,
        ["rewrite"] = WalSearchKinds.Rewrite,
        ["file-truncate"] = WalSearchKinds.FileTruncate,
        ["commit"] = WalSearchKinds.Commit,
        ["all"] = WalSearchKinds.All,
    };

    static readonly int[] WorstFirst = [ExitCodes.Damaged, ExitCodes.Keys, ExitCodes.Repository];

    /// <summary>Says on standard error what could not be read, and gives the exit code: that of the worst.</summary>
    public int ReportProblems()
    {
        foreach (var problem in report.Problems)
        {
            Console.Error.WriteLine($"pitr: {problem.Error.Message}");
            if (ErrorOutput.Hint(problem.Error) is { } hint)
            {
                Console.Error.WriteLine($"HINT: {hint}");
            }
        }

        var codes = report.Problems.Select(p => ExitCode(p)).ToHashSet();
        return codes.Count == 0 ? ExitCodes.Success : WorstFirst.FirstOrDefault(codes.Contains, codes.First());
    }

    public void WriteText()
    {
        if (report.Findings.Count > 0)
        {
            AnsiConsole.Write(ToTable());
        }

        foreach (var finding in report.Findings.Where(f => f.IsDestructive))
        {
            WriteWayBack(finding);
        }

        Console.WriteLine(Summary());
        if (report.NoServer is { } reason && report.Findings.Any(HasUnknownNames))
        {
            Console.WriteLine($"the live server was not asked for the names that are unknown: {reason}");
        }
    }

    public void WriteJson() => Json.Write(new JsonObject
    {
        ["format"] = 1,
        ["service"] = service,
        ["timeline"] = report.Timeline.Value,
        ["from"] = request.From?.ToString(),
        ["to"] = request.To?.ToString(),
        ["first-wal"] = report.First?.ToString(),
        ["last-wal"] = report.Last?.ToString(),
        ["segments-read"] = report.SegmentsRead,
        ["commits"] = report.Commits,
        ["first-commit"] = Moment(report.FirstCommit),
        ["last-commit"] = Moment(report.LastCommit),
        ["found"] = report.Found,
        ["findings"] = Json.Array(report.Findings, ToJson),
        ["complete"] = report.Problems.Count == 0,
        ["problems"] = Json.Array(report.Problems, problem => new JsonObject
        {
            ["first-wal"] = problem.First?.ToString(),
            ["last-wal"] = problem.Last?.ToString(),
            ["missing"] = problem.IsGap,
            ["error"] = problem.Error.Message,
            ["hint"] = ErrorOutput.Hint(problem.Error),
            ["exit-code"] = ExitCode(problem),
        }),
        ["server"] = report.NoServer,
    });

    static int ExitCode(WalSearchProblem problem) => problem.Error is Postgres.Wal.WalSegmentException ? ExitCodes.Damaged : ExitCodes.Of(problem.Error);

    Table ToTable()
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("time", "LSN", "xid", "what", "database", "relation");
        foreach (var finding in report.Findings)
        {
            var shown = Shown(finding).ToArray();
            var first = true;
            foreach (var (what, database, relation) in shown)
            {
                table.AddRow(
                    first ? Markup.Escape(MomentText(finding.Time)) : "",
                    first ? $"{finding.Position}" : "",
                    first ? $"{finding.Transaction}" : "",
                    finding.IsDestructive ? $"[red]{what}[/]" : what,
                    Markup.Escape(database),
                    Markup.Escape(relation));
                first = false;
            }
        }

        return table;
    }

    // Indexes and TOAST tables go with their tables; alone they are shown.
    static IEnumerable<(string What, string Database, string Relation)> Shown(WalSearchHit finding)
    {
        if (finding.RestorePoint is { } name)
        {
            return [("restore point", "", name)];
        }

        var main = finding.Footprints.Where(f => f.IsMain).ToArray();
        var shown = main.Length > 0 ? main : [.. finding.Footprints];
        return shown.Length == 0
            ? [(finding.IsCommit ? "commit" : "abort", finding.DatabaseName ?? (finding.Database == 0 ? "" : $"OID {finding.Database}"), "")]
            : shown.Select(f => (Word(f.Kind), Database(f), f.Kind == FootprintKind.DatabaseDrop ? "" : Relation(f)));
    }

    void WriteWayBack(WalSearchHit finding)
    {
        var what = string.Join(", ", Shown(finding).Select(s => $"{s.What} {(s.Relation.Length > 0 ? s.Relation : s.Database)}"));
        AnsiConsole.MarkupLine($"before {Markup.Escape(what)} at {Markup.Escape(MomentText(finding.Time))}:");
        if (finding.Backup is null)
        {
            Console.WriteLine("  no backup ended before it: it cannot be brought back");
            return;
        }

        foreach (var options in WalSearchExtracts.Options(finding))
        {
            Console.WriteLine($"  pitr extract {service} {string.Join(' ', options.Concat(Arguments(finding)).Select(ShellText.Word))} --to FILE");
        }

        Console.WriteLine($"  pitr restore {service} --to DIR {string.Join(' ', Arguments(finding))}");
    }

    string Summary()
    {
        if (report.First is null)
        {
            return "no WAL is archived between the two moments";
        }

        var shown = report.Found > report.Findings.Count ? $", the newest {report.Findings.Count} are shown (--limit)" : "";
        var commits = report.Commits == 0 ? "no commits" : $"{report.Commits} commits from {MomentText(report.FirstCommit)} to {MomentText(report.LastCommit)}";
        var complete = report.Problems.Count == 0 ? "" : "; NOT COMPLETE, there may be more";
        return $"{report.Found} found{shown}; searched {report.First} to {report.Last} of timeline {report.Timeline}, {commits}{complete}";
    }

    JsonObject ToJson(WalSearchHit finding) => new()
    {
        ["kinds"] = new JsonArray([.. Kinds(finding).Distinct().Select(k => (JsonNode)k)]),
        ["destructive"] = finding.IsDestructive,
        ["lsn"] = finding.Position.ToString(),
        ["time"] = Moment(finding.Time),
        ["xid"] = finding.Transaction,
        ["restore-point"] = finding.RestorePoint,
        ["database-oid"] = finding.Database == 0 ? null : finding.Database,
        ["database"] = finding.DatabaseName,
        ["footprints"] = Json.Array(finding.Footprints, f => new JsonObject
        {
            ["kind"] = Word(f.Kind),
            ["database-oid"] = f.Database,
            ["database"] = f.DatabaseName,
            ["oid"] = f.Oid,
            ["schema"] = f.Schema,
            ["name"] = f.Name,
            ["relation-kind"] = f.RelationKind?.ToString(),
            ["file"] = f.File?.ToString(),
        }),
        ["stop-before"] = finding.StopBefore.ToString(),
        ["backup"] = finding.Backup,
        ["restore"] = finding.Backup is null ? null : Words(Arguments(finding)),
        ["extract"] = finding.Backup is null ? null : new JsonArray([.. WalSearchExtracts.Options(finding).Select(options => Words(options.Concat(Arguments(finding))))]),
    };

    static JsonArray Words(IEnumerable<string> words) => new([.. words.Select(word => (JsonNode)word)]);

    static IEnumerable<string> Kinds(WalSearchHit finding) => finding switch
    {
        { RestorePoint: not null } => ["restore-point"],
        { Footprints.Count: 0 } => ["commit"],
        _ => finding.Footprints.Select(f => Word(f.Kind)),
    };

    // A restore point is a place to come back to; everything else is one to stop before. The timeline is named, so that the argument means the same after a promotion.
    IReadOnlyList<string> Arguments(WalSearchHit finding) =>
        ["--target-timeline", $"{report.Timeline}", "--target-lsn", $"{finding.StopBefore}", "--exclusive"];

    static string Word(FootprintKind kind) => kind switch
    {
        FootprintKind.Drop => "drop",
        FootprintKind.Truncate => "truncate",
        FootprintKind.FilesRemoved => "files-removed",
        FootprintKind.FileTruncate => "file-truncate",
        FootprintKind.DatabaseDrop => "database-drop",
        FootprintKind.Rewrite => "rewrite",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    static string Database(WalFootprint footprint) => footprint.DatabaseName ?? $"OID {footprint.Database}";

    static string Relation(WalFootprint footprint)
    {
        var kind = footprint.RelationKind switch
        {
            'r' or null => "",
            'p' => " (partitioned)",
            'S' => " (sequence)",
            'v' => " (view)",
            'm' => " (materialized view)",
            'f' => " (foreign table)",
            'i' or 'I' => " (index)",
            't' => " (TOAST)",
            var other => $" ({other})",
        };
        return footprint switch
        {
            { Name: { } name, Schema: { } schema } => $"{schema}.{name}{kind}",
            { Name: { } name } => $"{name}{kind}",
            { Oid: { } oid } => $"unknown, OID {oid}",
            _ => $"unknown, file {footprint.File}",
        };
    }

    static bool HasUnknownNames(WalSearchHit finding) => finding.Footprints.Any(f => f.Name is null && f.Kind != FootprintKind.DatabaseDrop);

    static string? Moment(long time) => time == 0 ? null : Json.Moment(PostgresEpoch.FromMicroseconds(time));

    static string MomentText(long time) => PostgresEpoch.FromMicroseconds(time).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff'Z'");
}
