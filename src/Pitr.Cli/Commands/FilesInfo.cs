using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr info` of a service of kind files.</summary>
static class FilesInfo
{
    public static void Print(string name, IReadOnlyList<BackupDocument> backups)
    {
        if (backups.Count == 0)
        {
            AnsiConsole.MarkupLine($"[red]{Markup.Escape(name)}: nothing can be restored[/] (no backup yet; take one with `pitr backup {Markup.Escape(name)}`)");
            return;
        }

        var newest = backups[^1];
        var ago = CommandContext.Clock.GetUtcNow() - newest.Finished;
        AnsiConsole.MarkupLine($"[green]{Markup.Escape(name)}: {backups.Count} backup(s) of kind files, the newest of {Texts.Moment(newest.Started)}[/], {Texts.Span(ago)} ago");
        var table = new Table().Border(TableBorder.Simple).AddColumns("backup", "ended", "took", "files", "unchanged", "size", "stored", "holds", "");
        foreach (var backup in backups)
        {
            table.AddRow(
                backup.Id,
                Texts.Moment(backup.Finished),
                Texts.Span(backup.Finished - backup.Started),
                $"{backup.Files}",
                $"{backup.Tree?.Unchanged}",
                Texts.Size(backup.DatabaseBytes),
                Texts.Size(backup.StoredBytes),
                Markup.Escape(string.Join(", ", [.. backup.Tree?.Roots ?? [], .. backup.Tree?.Journal is null ? Array.Empty<string>() : ["journal"]])),
                backup.IsSound() ? "" : $"[red]{backup.Tree?.Unreadable} not stored[/]");
        }

        AnsiConsole.Write(table);
        if (newest.Tree?.Journal is { } journal)
        {
            AnsiConsole.MarkupLine($"The newest holds {Markup.Escape(JournalOutput.Summary(journal))}, {journal.Added} of them new.");
            foreach (var gap in journal.Gaps)
            {
                AnsiConsole.MarkupLine($"[red]{Markup.Escape(JournalOutput.Text(gap))}[/]");
            }
        }
    }

    public static JsonObject ToJson(string name, string kind, IReadOnlyList<BackupDocument> backups) => new()
    {
        ["service"] = name,
        ["kind"] = kind,
        ["restorable"] = backups.Count > 0,
        ["backups"] = Json.Array(backups, ToJson),
    };

    static JsonObject ToJson(BackupDocument backup) => new()
    {
        ["id"] = backup.Id,
        ["started"] = Json.Moment(backup.Started),
        ["finished"] = Json.Moment(backup.Finished),
        ["host"] = backup.Host,
        ["roots"] = Json.Array(backup.Tree?.Roots ?? [], r => JsonValue.Create(r)),
        ["files"] = backup.Files,
        ["directories"] = backup.Tree?.Directories,
        ["unchanged"] = backup.Tree?.Unchanged,
        ["changed"] = backup.Tree?.Changed,
        ["vanished"] = backup.Tree?.Vanished,
        ["unreadable"] = backup.Tree?.Unreadable,
        ["journal"] = JournalOutput.ToJson(backup.Tree?.Journal),
        ["bytes"] = backup.DatabaseBytes,
        ["stored-bytes"] = backup.StoredBytes,
        ["older-bytes"] = backup.OlderPacks.Sum(pack => pack.Size),
        ["base"] = backup.Base,
        ["full-copy-reason"] = backup.FullCopyReason,
        ["pinned"] = backup.Pinned,
    };
}
