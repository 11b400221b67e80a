using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr info` of a service whose backups are dumps.</summary>
static class DumpInfo
{
    public static void Print(string name, string kind, IReadOnlyList<DumpDocument> backups, TimeSpan rpo)
    {
        if (backups.Count == 0)
        {
            AnsiConsole.MarkupLine($"[red]{Markup.Escape(name)}: nothing can be restored[/] (no backup yet; take one with `pitr backup {Markup.Escape(name)}`)");
            return;
        }

        var newest = backups[^1];
        var ago = CommandContext.Clock.GetUtcNow() - newest.Finished;
        AnsiConsole.MarkupLine($"[green]{Markup.Escape(name)}: {backups.Count} {(backups.Count == 1 ? "dump" : "dumps")} of kind {kind}, newest {Texts.Span(ago)} ago[/], oldest of {Texts.Moment(backups[0].Finished)}");
        if (IsStale(newest, rpo))
        {
            AnsiConsole.MarkupLine($"[yellow]the newest dump is older than objectives.rpo allows[/] ({Texts.Span(rpo)}): what was written since is in no dump; take one, and look why the last ones failed: pitr audit {Markup.Escape(name)}");
        }

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
        foreach (var backup in backups.Where(b => b is ICatalogEntry entry && entry.PinAt(CommandContext.Clock.GetUtcNow()) is not null))
        {
            AnsiConsole.MarkupLine($"backup {backup.Id} is pinned: {Markup.Escape(((ICatalogEntry)backup).PinAt(CommandContext.Clock.GetUtcNow())!)}");
        }
    }

    // The default is for services that archive WAL; a dump every five minutes nobody means.
    static bool IsStale(DumpDocument newest, TimeSpan rpo) => rpo != ObjectiveSettings.Default.Rpo && CommandContext.Clock.GetUtcNow() - newest.Started > rpo;

    public static JsonObject ToJson(string name, string kind, IReadOnlyList<DumpDocument> backups, TimeSpan rpo) => new()
    {
        ["service"] = name,
        ["kind"] = kind,
        ["restorable"] = backups.Count > 0,
        ["stale"] = backups.Count > 0 && IsStale(backups[^1], rpo),
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
        ["pinned"] = backup.Pinned,
        ["pinned-until"] = Json.Moment(backup.PinnedUntil),
        ["streams"] = Json.Array(backup.Streams, s => new JsonObject
        {
            ["name"] = s.Name,
            ["format"] = s.Format,
            ["database"] = s.Database,
            ["bytes"] = s.Bytes,
            ["counts"] = Json.Array(s.Counts, c => new JsonObject { ["name"] = c.Name, ["before"] = c.Before, ["after"] = c.After, ["expiring"] = c.Expiring }),
        }),
    };
}
