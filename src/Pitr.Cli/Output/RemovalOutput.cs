using System.Text.Json.Nodes;
using Pitr.Operations.Retention;
using Spectre.Console;

namespace Pitr.Cli.Output;

/// <summary>Shows what `pitr expire` and `pitr repo gc` removed, or would.</summary>
static class RemovalOutput
{
    // More would hide the table; the JSON has all.
    const int MostShown = 10;

    /// <summary>For people: backups, a table of repositories, and what is left.</summary>
    public static void Print(RemovalReport report, bool dryRun)
    {
        if (report.Verdicts is { } verdicts)
        {
            PrintVerdicts(verdicts, report.HasDumps);
        }

        foreach (var backup in report.Backups.Where(_ => report.Verdicts is null))
        {
            Console.WriteLine($"{report.Service}: backup {backup.Id} {(dryRun ? "would go" : "is gone")}: {backup.Reason}");
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("repository", dryRun ? "backups to go" : "backups removed", "manifests", report.HasDumps ? "parts" : "packs", "bytes");
        table.AddColumns(report.HasDumps ? ["too young", "bytes"] : ["WAL files", "bytes", "too young", "bytes"]);
        for (var column = 1; column < table.Columns.Count; column++)
        {
            table.Columns[column].RightAligned();
        }

        foreach (var repository in report.Repositories)
        {
            string[] backups = [Markup.Escape(repository.Repository), $"{repository.Backups.Count}", $"{repository.Manifests}", $"{repository.Packs}", Texts.Size(repository.Bytes)];
            string[] wal = report.HasDumps ? [] : [$"{repository.WalFiles}", Texts.Size(repository.WalBytes)];
            table.AddRow([.. backups, .. wal, $"{repository.Young}", Texts.Size(repository.YoungBytes)]);
        }

        Console.WriteLine($"{report.Service}: {(dryRun ? "would free" : "freed")} {Texts.Size(report.Repositories.Sum(r => r.Bytes + r.WalBytes))} in {report.Repositories.Count(r => r.Bytes + r.WalBytes > 0)} of {report.Repositories.Count} repositories");
        AnsiConsole.Write(table);
        foreach (var repository in report.Repositories)
        {
            PrintRest(repository);
        }
    }

    static void PrintVerdicts(RetentionVerdicts verdicts, bool areDumps)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("backup", "ended", "", "because");
        foreach (var verdict in verdicts.Backups)
        {
            table.AddRow(
                verdict.Backup.Id, Texts.Moment(verdict.Backup.StopTime), verdict.Goes ? "[yellow]goes[/]" : "stays", Markup.Escape(verdict.Why));
        }

        AnsiConsole.Write(table);
        Console.WriteLine(verdicts.Branches.SelectMany(b => b.Anchors).MinBy(b => b.StopTime) is { } anchor
            ? areDumps
                ? $"what there was at {Texts.Moment(verdicts.WindowStart)} stays: it is in backup {anchor.Id}"
                : $"every moment since {Texts.Moment(verdicts.WindowStart)} stays recoverable, from backup {anchor.Id} on"
            : $"no backup is as old as the window, which begins at {Texts.Moment(verdicts.WindowStart)}: it begins with the oldest backup");
    }

    /// <summary>The report as documented in docs/json.md.</summary>
    public static JsonObject ToJson(RemovalReport report) => new()
    {
        ["service"] = report.Service,
        ["backups"] = Json.Array(report.Backups, backup => new JsonObject { ["id"] = backup.Id.ToString(), ["reason"] = backup.Reason }),
        ["window-start"] = report.Verdicts is { } verdicts ? Json.Moment(verdicts.WindowStart) : null,
        ["verdicts"] = report.Verdicts is null ? null : Json.Array(report.Verdicts.Backups, verdict => new JsonObject
        {
            ["id"] = verdict.Backup.Id,
            ["goes"] = verdict.Goes,
            ["keeps"] = Json.Array(verdict.Keeps, rule => rule),
            ["why"] = verdict.Why,
        }),
        ["repositories"] = Json.Array(report.Repositories, repository => new JsonObject
        {
            ["repository"] = repository.Repository,
            ["backups"] = Json.Array(repository.Backups, id => id),
            ["manifests"] = repository.Manifests,
            ["packs"] = repository.Packs,
            ["bytes"] = repository.Bytes,
            ["wal-files"] = repository.WalFiles,
            ["wal-bytes"] = repository.WalBytes,
            ["young"] = repository.Young,
            ["young-bytes"] = repository.YoungBytes,
            ["unknown"] = Json.Array(repository.Unknown, key => key),
            ["pending"] = Json.Array(repository.Pending, text => text),
            ["reason"] = repository.Reason,
        }),
    };

    static void PrintRest(RepositoryRemovals repository)
    {
        if (repository.Reason is { } reason)
        {
            AnsiConsole.MarkupLine($"[yellow]repository {Markup.Escape(repository.Repository)}: the rest is left to the next run[/]: {Markup.Escape(reason)}");
        }

        if (repository.Pending.Count > 0)
        {
            AnsiConsole.MarkupLine($"[yellow]repository {Markup.Escape(repository.Repository)}: still to be removed[/]: {Markup.Escape(string.Join("; ", repository.Pending))}");
        }

        foreach (var key in repository.Unknown.Take(MostShown))
        {
            AnsiConsole.MarkupLine($"repository {Markup.Escape(repository.Repository)}: {Markup.Escape(key)} is nothing that pitr has put there; it was left alone");
        }

        if (repository.Unknown.Count > MostShown)
        {
            Console.WriteLine($"and {repository.Unknown.Count - MostShown} more");
        }
    }
}
