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
        foreach (var backup in report.Backups)
        {
            Console.WriteLine($"{report.Service}: backup {backup.Id} {(dryRun ? "would go" : "is gone")}: {backup.Reason}");
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("repository", dryRun ? "backups to go" : "backups removed", "manifests", "packs", "bytes", "too young", "bytes");
        for (var column = 1; column < table.Columns.Count; column++)
        {
            table.Columns[column].RightAligned();
        }

        foreach (var repository in report.Repositories)
        {
            table.AddRow(
                Markup.Escape(repository.Repository), $"{repository.Backups.Count}", $"{repository.Manifests}", $"{repository.Packs}", Texts.Size(repository.Bytes),
                $"{repository.Young}", Texts.Size(repository.YoungBytes));
        }

        Console.WriteLine($"{report.Service}: {(dryRun ? "would free" : "freed")} {Texts.Size(report.Repositories.Sum(r => r.Bytes))} in {report.Repositories.Count(r => r.Bytes > 0)} of {report.Repositories.Count} repositories");
        AnsiConsole.Write(table);
        foreach (var repository in report.Repositories)
        {
            PrintRest(repository);
        }
    }

    /// <summary>The report as documented in docs/json.md.</summary>
    public static JsonObject ToJson(RemovalReport report) => new()
    {
        ["service"] = report.Service,
        ["backups"] = Json.Array(report.Backups, backup => new JsonObject { ["id"] = backup.Id.ToString(), ["reason"] = backup.Reason }),
        ["repositories"] = Json.Array(report.Repositories, repository => new JsonObject
        {
            ["repository"] = repository.Repository,
            ["backups"] = Json.Array(repository.Backups, id => id),
            ["manifests"] = repository.Manifests,
            ["packs"] = repository.Packs,
            ["bytes"] = repository.Bytes,
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
