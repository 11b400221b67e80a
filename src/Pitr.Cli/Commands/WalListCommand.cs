using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Services;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal list`: unbroken runs of archived segments per timeline, where timelines branch, and the gaps between them.</summary>
static class WalListCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string?> OnTimeline = WalTimelineOption.Create();

    public static Command Create()
    {
        var command = new Command(
            "list",
            """
            List the archived WAL of each timeline as unbroken runs, with the point where it leaves its parent, its last commit, and the
            gaps with the time since when. With several repositories also what each of them holds. Exits 4 when repositories did not answer
            that may hold more than what is shown.

              pitr wal list main
              pitr wal list main --timeline 3
              pitr wal list main --repository offsite --output json
            """)
        {
            ServiceName, Repositories, OnTimeline,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var only = WalTimelineOption.Read(parsed.GetValue(OnTimeline));
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var overview = await new WalOverviewReader(service).ReadAsync(cancellation);
        var timelines = overview.Inventory.Timelines.Where(t => only is null || t.Timeline == only).ToArray();
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(service, overview, timelines));
        }
        else
        {
            Print(service, overview, timelines);
        }

        return service.Repositories.IsIncomplete ? ExitCodes.Repository : ExitCodes.Success;
    }

    static void Print(PostgresService service, WalOverview overview, IReadOnlyList<WalTimeline> timelines)
    {
        var gaps = timelines.SelectMany(t => overview.GapsOf(t.Timeline)).ToArray();
        var stored = timelines.Sum(t => t.Spans.Sum(s => s.StoredBytes));
        var commit = timelines.Select(t => overview.LastCommits.TryGetValue(t.Timeline, out var last) ? last : (DateTimeOffset?)null).Max();
        AnsiConsole.MarkupLine(
            $"{Markup.Escape(service.Name.ToString())}: {timelines.Sum(t => t.Spans.Sum(s => s.Count))} segments, {Texts.Size(stored)}, on {timelines.Count} timeline(s); "
            + $"last commit {(commit is { } at ? Texts.Moment(at) : "not found")}; {(gaps.Length == 0 ? "[green]no gaps[/]" : $"[red]{gaps.Length} gap(s)[/]")}");
        var table = new Table().Border(TableBorder.Simple).AddColumns("timeline", "from", "to", "segments", "stored", "newest", "");
        foreach (var timeline in timelines)
        {
            AddRows(table, overview, timeline);
        }

        AnsiConsole.Write(table);
        PrintRepositories(service, overview, timelines);
        if (overview.BranchesUnknown is { } reason)
        {
            AnsiConsole.MarkupLine($"[yellow]branch points are not all known[/]: {Markup.Escape(reason)}");
        }
    }

    static void AddRows(Table table, WalOverview overview, WalTimeline timeline)
    {
        var first = true;
        var rows = timeline.Spans.Select(s => (s.First, Span: (WalSpan?)s, Gap: (DatedWalGap?)null))
            .Concat(overview.GapsOf(timeline.Timeline).Select(g => (g.Gap.First, Span: (WalSpan?)null, Gap: (DatedWalGap?)g)))
            .OrderBy(r => r.First);
        foreach (var (_, span, gap) in rows)
        {
            if (span is not null)
            {
                var isLast = span == timeline.Spans[^1];
                table.AddRow(
                    first ? $"{timeline.Timeline}" : "",
                    $"{span.First}",
                    $"{span.Last}",
                    $"{span.Count}",
                    Texts.Size(span.StoredBytes),
                    Texts.Moment(span.Newest),
                    string.Join("; ", Remarks(overview, timeline, first, isLast)));
            }
            else
            {
                var found = gap!.Gap;
                table.AddRow(
                    first ? $"{timeline.Timeline}" : "",
                    $"[red]{found.First}[/]",
                    $"[red]{found.Last}[/]",
                    $"[red]{found.Count} missing[/]",
                    "",
                    $"[red]since {Texts.Moment(found.Since)}[/]",
                    $"[red]{Between(gap)}[/]");
            }

            first = false;
        }

        if (first)
        {
            table.AddRow($"{timeline.Timeline}", "", "", "0", "", "", string.Join("; ", Remarks(overview, timeline, true, false)));
        }
    }

    static IEnumerable<string> Remarks(WalOverview overview, WalTimeline timeline, bool isFirst, bool isLast)
    {
        if (isFirst && overview.Branches.TryGetValue(timeline.Timeline, out var branch))
        {
            yield return $"leaves timeline {branch.Parent} at {branch.SwitchPoint}";
        }

        if (isLast && timeline.Tail is { } tail)
        {
            yield return $"{tail.Segment} in pieces to {timeline.EndLsn(overview.Inventory.SegmentSize)}";
        }

        if (isLast && overview.LastCommits.TryGetValue(timeline.Timeline, out var commit))
        {
            yield return $"last commit {Texts.Moment(commit)}";
        }
    }

    static string Between(DatedWalGap gap) => gap switch
    {
        { CommitBefore: { } before, CommitAfter: { } after } => $"commits between {Texts.Moment(before)} and {Texts.Moment(after)} are lost",
        { CommitBefore: { } before } => $"commits after {Texts.Moment(before)} are lost",
        _ => "",
    };

    static void PrintRepositories(PostgresService service, WalOverview overview, IReadOnlyList<WalTimeline> timelines)
    {
        if (service.Repositories.Stores.Count == 1)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("repository", "timeline", "segments", "stored", "from", "to", "runs", "lacks");
        foreach (var repository in overview.Inventory.Repositories)
        {
            foreach (var timeline in timelines)
            {
                var spans = repository.Find(timeline.Timeline)?.Spans ?? [];
                var lacks = timeline.Spans.Sum(s => s.Count) - spans.Sum(s => s.Count);
                table.AddRow(
                    Markup.Escape(repository.Repository),
                    $"{timeline.Timeline}",
                    $"{spans.Sum(s => s.Count)}",
                    Texts.Size(spans.Sum(s => s.StoredBytes)),
                    spans.Count > 0 ? $"{spans[0].First}" : "",
                    spans.Count > 0 ? $"{spans[^1].Last}" : "",
                    $"{spans.Count}",
                    lacks == 0 ? "nothing" : $"[yellow]{lacks}[/]");
            }
        }

        AnsiConsole.Write(table);
        foreach (var (name, reason) in service.Repositories.Unanswered)
        {
            AnsiConsole.MarkupLine($"[red]repository {Markup.Escape(name)} could not be asked[/], this is without it: {Markup.Escape(reason)}");
        }
    }

    static JsonObject ToJson(PostgresService service, WalOverview overview, IReadOnlyList<WalTimeline> timelines) => new()
    {
        ["format"] = 1,
        ["service"] = service.Name.ToString(),
        ["wal-segment-size"] = overview.Inventory.SegmentSize.Bytes,
        ["timelines"] = Json.Array(timelines, timeline =>
        {
            var json = ToJson(timeline, overview.Inventory.SegmentSize, overview.GapsOf(timeline.Timeline));
            var branch = overview.Branches.GetValueOrDefault(timeline.Timeline);
            json["history"] = timeline.HasHistory;
            json["parent"] = branch?.Parent.Value;
            json["switch-point"] = branch?.SwitchPoint.ToString();
            json["last-commit"] = overview.LastCommits.TryGetValue(timeline.Timeline, out var commit) ? Json.Moment(commit) : null;
            return json;
        }),
        ["complete"] = !service.Repositories.IsIncomplete,
        ["repositories"] = Json.Array(service.Repositories.Stores, store => new JsonObject
        {
            ["name"] = store.Name,
            ["answered"] = !service.Repositories.Unanswered.ContainsKey(store.Name),
            ["reason"] = service.Repositories.Unanswered.GetValueOrDefault(store.Name),
            ["timelines"] = Json.Array(
                (overview.Inventory.Repositories.FirstOrDefault(r => r.Repository == store.Name)?.Timelines ?? []).Where(t => timelines.Any(shown => shown.Timeline == t.Timeline)),
                t => ToJson(t, overview.Inventory.SegmentSize, t.Gaps(overview.Inventory.SegmentSize).Select(g => new DatedWalGap(g, null, null)))),
        }),
    };

    /// <summary>The timelines as documented in docs/json.md.</summary>
    public static JsonArray ToJson(WalInventory inventory) =>
        Json.Array(inventory.Timelines, timeline => ToJson(timeline, inventory.SegmentSize, timeline.Gaps(inventory.SegmentSize).Select(g => new DatedWalGap(g, null, null)), inventory.HasSizes));

    static JsonObject ToJson(WalTimeline timeline, WalSegmentSize size, IEnumerable<DatedWalGap> gaps, bool hasSizes = true) => new()
    {
        ["timeline"] = timeline.Timeline.Value,
        ["spans"] = Json.Array(timeline.Spans, span => new JsonObject
        {
            ["first"] = span.First.ToString(),
            ["last"] = span.Last.ToString(),
            ["segments"] = span.Count,
            ["stored-bytes"] = hasSizes ? span.StoredBytes : null,
            ["newest-stored"] = hasSizes ? Json.Moment(span.Newest) : null,
        }),
        ["archived-to"] = timeline.EndLsn(size)?.ToString(),
        ["in-pieces"] = timeline.Tail?.Segment.ToString(),
        ["gaps"] = Json.Array(gaps, gap => new JsonObject
        {
            ["first"] = gap.Gap.First.ToString(),
            ["last"] = gap.Gap.Last.ToString(),
            ["segments"] = gap.Gap.Count,
            ["since"] = hasSizes ? Json.Moment(gap.Gap.Since) : null,
            ["commit-before"] = Json.Moment(gap.CommitBefore),
            ["commit-after"] = Json.Moment(gap.CommitAfter),
        }),
    };
}
