using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Archive;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal list`: unbroken runs of archived segments per timeline, and the gaps between them.</summary>
static class WalListCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "list",
            """
            List the archived WAL as unbroken runs, with the gaps between them.

              pitr wal list main
              pitr wal list main --output json
            """)
        {
            ServiceName, Repositories,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var inventory = await new WalArchive(service).ListAsync(cancellation);
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = service.Name.ToString(),
                ["wal-segment-size"] = inventory.SegmentSize.Bytes,
                ["timelines"] = ToJson(inventory),
            });
            return ExitCodes.Success;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("timeline", "from", "to", "segments", "stored", "newest");
        foreach (var timeline in inventory.Timelines)
        {
            var gaps = timeline.Gaps(inventory.SegmentSize).ToArray();
            for (var i = 0; i < timeline.Spans.Count; i++)
            {
                var span = timeline.Spans[i];
                table.AddRow($"{timeline.Timeline}", $"{span.First}", $"{span.Last}", $"{span.Count}", Texts.Size(span.StoredBytes), Texts.Moment(span.Newest));
                if (i < gaps.Length)
                {
                    table.AddRow("", $"[red]{gaps[i].First}[/]", $"[red]{gaps[i].Last}[/]", $"[red]{gaps[i].Count} missing[/]", "", $"[red]since {Texts.Moment(gaps[i].Since)}[/]");
                }
            }
        }

        AnsiConsole.Write(table);
        return ExitCodes.Success;
    }

    /// <summary>The timelines as documented in docs/json.md.</summary>
    public static JsonArray ToJson(WalInventory inventory) => Json.Array(inventory.Timelines, timeline => new JsonObject
    {
        ["timeline"] = timeline.Timeline.Value,
        ["spans"] = Json.Array(timeline.Spans, span => new JsonObject
        {
            ["first"] = span.First.ToString(),
            ["last"] = span.Last.ToString(),
            ["segments"] = span.Count,
            ["stored-bytes"] = span.StoredBytes,
            ["newest-stored"] = Json.Moment(span.Newest),
        }),
        ["gaps"] = Json.Array(timeline.Gaps(inventory.SegmentSize), gap => new JsonObject
        {
            ["first"] = gap.First.ToString(),
            ["last"] = gap.Last.ToString(),
            ["segments"] = gap.Count,
            ["since"] = Json.Moment(gap.Since),
        }),
    });
}
