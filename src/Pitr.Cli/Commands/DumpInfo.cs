using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr info` of a service whose backups are dumps.</summary>
static class DumpInfo
{
    public static void Print(string name, string kind, IReadOnlyList<DumpDocument> backups)
    {
        if (backups.Count == 0)
        {
            AnsiConsole.MarkupLine($"[red]{Markup.Escape(name)}: nothing can be restored[/] (no backup yet; take one with `pitr backup {Markup.Escape(name)}`)");
            return;
        }

        var newest = backups[^1];
        var ago = CommandContext.Clock.GetUtcNow() - newest.Finished;
        AnsiConsole.MarkupLine($"[green]{Markup.Escape(name)}: {backups.Count} backup(s) of kind {kind}, the newest of {Texts.Moment(newest.Started)}[/], {Texts.Span(ago)} ago");
        var table = new Table().Border(TableBorder.Simple).AddColumns("backup", "ended", "took", "tool", "server", "size", "stored", "holds");
        foreach (var backup in backups)
        {
            table.AddRow(
                backup.Id,
                Texts.Moment(backup.Finished),
                Texts.Span(backup.Finished - backup.Started),
                Markup.Escape(backup.Tool),
                Markup.Escape($"{backup.Product} {backup.ServerVersion}"),
                Texts.Size(backup.Bytes),
                Texts.Size(backup.StoredBytes),
                Markup.Escape(string.Join(", ", backup.Streams.Select(s => s.Database ?? s.Name))));
        }

        AnsiConsole.Write(table);
    }

    public static JsonObject ToJson(string name, string kind, IReadOnlyList<DumpDocument> backups) => new()
    {
        ["service"] = name,
        ["kind"] = kind,
        ["restorable"] = backups.Count > 0,
        ["backups"] = Json.Array(backups, ToJson),
    };

    static JsonObject ToJson(DumpDocument backup) => new()
    {
        ["id"] = backup.Id,
        ["started"] = Json.Moment(backup.Started),
        ["finished"] = Json.Moment(backup.Finished),
        ["tool"] = backup.Tool,
        ["product"] = backup.Product,
        ["server-version"] = backup.ServerVersion,
        ["bytes"] = backup.Bytes,
        ["stored-bytes"] = backup.StoredBytes,
        ["streams"] = Json.Array(backup.Streams, s => new JsonObject
        {
            ["name"] = s.Name, ["format"] = s.Format, ["database"] = s.Database, ["bytes"] = s.Bytes, ["contents"] = Contents(s.Contents),
        }),
    };

    static JsonObject? Contents(IReadOnlyDictionary<string, long>? counts)
    {
        if (counts is null)
        {
            return null;
        }

        var shown = new JsonObject();
        foreach (var (name, count) in counts)
        {
            shown[name] = count;
        }

        return shown;
    }
}
