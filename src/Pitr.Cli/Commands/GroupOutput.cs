using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>Prints what will become of the services of a group, and what became of them.</summary>
static class GroupOutput
{
    public static void Backups(OutputFormat format, string id, IReadOnlyList<GroupRow> rows, bool dryRun)
    {
        if (format == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["group"] = id,
                ["dry-run"] = dryRun,
                ["exit-code"] = rows.FirstOrDefault(row => row.Code != ExitCodes.Success)?.Code ?? ExitCodes.Success,
                ["services"] = Json.Array(rows, ToJson),
            });
            return;
        }

        Table(rows, dryRun ? ["service", "kind", "size", "result", "why"] : ["service", "kind", "result", "backup", "took", "size", "stored", "why"]);
        foreach (var row in rows)
        {
            foreach (var owed in row.Owed)
            {
                Console.WriteLine($"  {row.Service}: not everywhere yet, {owed}; the next backup or `pitr repo catch-up` gives them to it");
            }
        }

        Summary(rows, dryRun ? "can be backed up" : "are backed up");
    }

    /// <summary>The plan of a restore, or what came of it.</summary>
    /// <param name="format">Text or JSON.</param>
    /// <param name="id">Of the restore.</param>
    /// <param name="rows">The services, in their order.</param>
    /// <param name="commands">What is run around them.</param>
    /// <param name="more">What else the JSON has; null for nothing.</param>
    public static void Restore(OutputFormat format, string id, IReadOnlyList<GroupRow> rows, IReadOnlyList<(string When, string Command)> commands, JsonObject? more = null)
    {
        if (format == OutputFormat.Json)
        {
            var json = new JsonObject
            {
                ["format"] = 1,
                ["group"] = id,
                ["services"] = Json.Array(rows, ToJson),
                ["commands"] = Json.Array(commands, c => new JsonObject { ["when"] = c.When, ["command"] = c.Command }),
            };
            foreach (var (key, value) in more ?? [])
            {
                json[key] = value?.DeepClone();
            }

            Json.Write(json);
            return;
        }

        Table(rows, ["service", "kind", "result", "backup", "state of", "took", "size", "why"]);
    }

    /// <summary>The steps of a plan, in their order.</summary>
    public static void Steps(IReadOnlyList<GroupRow> rows, IReadOnlyList<(string When, string Command)> commands)
    {
        var number = 0;
        Write("stop");
        foreach (var row in rows)
        {
            foreach (var step in row.Steps)
            {
                Console.WriteLine($"  {++number}. {row.Service}: {step}");
            }
        }

        Write("start");
        Write("check");
        Console.WriteLine("  If a step fails, everything goes back, in the reverse order.");
        foreach (var row in rows)
        {
            foreach (var note in row.Notes)
            {
                Console.WriteLine($"  {row.Service}: {note}");
            }
        }

        var moments = rows.Select(row => row.Moment).OfType<DateTimeOffset>().Order().ToArray();
        if (moments.Length > 1 && moments[^1] - moments[0] is { TotalSeconds: >= 1 } apart)
        {
            Console.WriteLine($"  The services are not of one moment: the oldest state and the youngest are {Texts.Span(apart)} apart.");
        }

        void Write(string when)
        {
            foreach (var (_, command) in commands.Where(c => c.When == when))
            {
                Console.WriteLine($"  {++number}. {when}: {command}");
            }
        }
    }

    static void Summary(IReadOnlyList<GroupRow> rows, string what)
    {
        var failed = rows.Where(row => row.Code != ExitCodes.Success).ToArray();
        Console.WriteLine(failed.Length == 0 ? $"all {rows.Count} services {what}" : $"{rows.Count - failed.Length} of {rows.Count} services {what} without fault; look at {string.Join(", ", failed.Select(row => row.Service))}");
    }

    static void Table(IReadOnlyList<GroupRow> rows, string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(columns);
        foreach (var row in rows)
        {
            table.AddRow([.. columns.Select(column => Markup.Escape(Cell(row, column)))]);
        }

        AnsiConsole.Write(table);
    }

    static string Cell(GroupRow row, string column) => column switch
    {
        "service" => row.Service,
        "kind" => row.Kind,
        "result" => row.Result,
        "backup" => row.Backup ?? "",
        "state of" => row.Moment is { } moment ? Texts.Moment(moment) : "",
        "took" => row.Took is { } took ? Texts.Span(took) : "",
        "size" => row.Bytes > 0 ? Texts.Size(row.Bytes) : "",
        "stored" => row.StoredBytes is { } stored ? Texts.Size(stored) : "",
        _ => row.Error is { } error ? error.Split('\n')[0] : row.Why,
    };

    static JsonObject ToJson(GroupRow row) => new()
    {
        ["service"] = row.Service,
        ["kind"] = row.Kind,
        ["result"] = row.Result,
        ["exit-code"] = row.Code,
        ["backup"] = row.Backup,
        ["state-of"] = Json.Moment(row.Moment),
        ["bytes"] = row.Bytes,
        ["stored-bytes"] = row.StoredBytes,
        ["why"] = row.Why,
        ["steps"] = Json.Array(row.Steps, s => s),
        ["notes"] = Json.Array(row.Notes, n => n),
        ["error"] = row.Error,
        ["hint"] = row.Hint,
        ["seconds"] = row.Took is { } took ? Math.Round(took.TotalSeconds, 3) : null,
    };
}
