using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Files.Journal;

namespace Pitr.Cli.Commands;

/// <summary>What is said of the systemd journal in backups of kind files.</summary>
static class JournalOutput
{
    /// <summary>One line: how many entries, from when to when.</summary>
    public static string Summary(JournalRecord journal) => journal.Parts.Count == 0
        ? "no entries of the systemd journal"
        : $"{journal.Entries} entries of the systemd journal from {Texts.Moment(journal.Parts.Min(part => part.First))} to {Texts.Moment(journal.Parts.Max(part => part.Last))}";

    /// <summary>Where entries may be missing, and what journalctl had to say.</summary>
    public static void WriteProblems(BackupDocument backup, JournalRecord journal)
    {
        foreach (var gap in journal.Gaps.Where(gap => gap.Backup == backup.Id))
        {
            Console.Error.WriteLine($"GAP: {Text(gap)}: the journal did not have the last entry any more that was stored; back it up more often, or let journald keep more (SystemMaxUse=)");
        }

        foreach (var message in journal.Messages)
        {
            Console.Error.WriteLine($"journalctl: {message}");
        }
    }

    /// <summary>A gap in words.</summary>
    public static string Text(JournalGap gap) =>
        $"entries of the journal may be missing {(gap.After is { } after ? $"after {Texts.Moment(after)}" : "at the beginning")} and {(gap.Before is { } before ? $"before {Texts.Moment(before)}" : "until now")}";

    /// <summary>How a restored journal is read.</summary>
    /// <param name="directory">What stands for /.</param>
    public static void WriteHint(string directory)
    {
        var parts = Path.Combine(directory, JournalPlace.Directory);
        if (Directory.Exists(parts))
        {
            Console.WriteLine(
                $"""
                  the journal is in {parts}, oldest first; to read it (package systemd-journal-remote):
                    /lib/systemd/systemd-journal-remote --output={parts}.journal {parts}/*.export
                    journalctl --file={parts}.journal
                """);
        }
    }

    /// <summary>The same for programs.</summary>
    public static JsonObject? ToJson(JournalRecord? journal) => journal is null
        ? null
        : new JsonObject
        {
            ["entries"] = journal.Entries,
            ["added"] = journal.Added,
            ["first"] = journal.Parts.Count == 0 ? null : Json.Moment(journal.Parts.Min(part => part.First)),
            ["last"] = journal.Parts.Count == 0 ? null : Json.Moment(journal.Parts.Max(part => part.Last)),
            ["parts"] = journal.Parts.Count,
            ["bytes"] = journal.Parts.Sum(part => part.Bytes),
            ["gaps"] = Json.Array(journal.Gaps, gap => new JsonObject
            {
                ["backup"] = gap.Backup,
                ["after"] = gap.After is { } after ? Json.Moment(after) : null,
                ["before"] = gap.Before is { } before ? Json.Moment(before) : null,
            }),
            ["messages"] = Json.Array(journal.Messages, message => JsonValue.Create(message)),
        };
}
