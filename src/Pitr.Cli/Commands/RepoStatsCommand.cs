using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Repositories;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo stats`: what is in a repository, counted.</summary>
static class RepoStatsCommand
{
    static readonly Argument<string> Name = GlobalOptions.Repository();

    public static Command Create()
    {
        var command = new Command(
            "stats",
            """
            Count objects and bytes per service and kind, with the oldest and the newest; and what packs, and parts of dumps, are worth: how much of them backups use
            (live), how much lies beside it in packs that are needed (dead), and what no backup names (garbage; `pitr repo gc` removes it).
            Needs no identity.

              pitr repo stats local
              pitr repo stats offsite --output json
            """)
        {
            Name,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var store = context.OpenRepository(parsed.GetValue(Name)!);
        IReadOnlyList<RepositoryUsage> usages;
        IReadOnlyList<(string Service, PackUsage? Usage, string? Reason)> packs;
        using (var display = new ProgressDisplay())
        {
            usages = await new RepositoryStats(store).CountAsync(new Forward<long>(seen => display.Show($"{seen} objects seen", 0, 0)), cancellation);
            packs = await new RepositoryStats(store).MeasurePacksAsync(usages, cancellation);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(store.Name, store.Location, usages, packs));
        }
        else
        {
            Print(store.Name, usages);
            PrintPacks(packs);
        }

        return ExitCodes.Success;
    }

    static void Print(string name, IReadOnlyList<RepositoryUsage> usages)
    {
        var services = usages.Select(usage => usage.Service).OfType<string>().Distinct(StringComparer.Ordinal).Count();
        var span = usages.Count == 0 ? "" : $"; oldest {Texts.Moment(usages.Min(u => u.Oldest))}, newest {Texts.Moment(usages.Max(u => u.Newest))}";
        Console.WriteLine(
            $"{name}: {usages.Sum(u => u.Objects)} objects, {Texts.Size(usages.Sum(u => u.Bytes))}, {services} {(services == 1 ? "service" : "services")}{span}");
        if (!usages.Any(usage => usage.Kind == RepositoryKeyKind.Repository))
        {
            Console.WriteLine($"no {RepositoryLayout.Repository}: the place is not initialised as a repository");
        }

        if (usages.Count == 0)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("service", "kind", "objects", "stored", "oldest", "newest");
        table.Columns[2].RightAligned();
        table.Columns[3].RightAligned();
        foreach (var usage in usages)
        {
            table.AddRow(
                Markup.Escape(usage.Service ?? ""), KindName(usage.Kind), $"{usage.Objects}", Texts.Size(usage.Bytes), Texts.Moment(usage.Oldest), Texts.Moment(usage.Newest));
        }

        AnsiConsole.Write(table);
    }

    static void PrintPacks(IReadOnlyList<(string Service, PackUsage? Usage, string? Reason)> packs)
    {
        if (packs.Count == 0)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("packs and parts of", "backups", "own", "of older ones", "live", "dead", "garbage");
        for (var column = 1; column < table.Columns.Count; column++)
        {
            table.Columns[column].RightAligned();
        }

        foreach (var usage in packs.Select(p => p.Usage).OfType<PackUsage>())
        {
            var stored = usage.LiveBytes + usage.DeadBytes;
            table.AddRow(
                Markup.Escape(usage.Service), $"{usage.Backups}", Texts.Size(usage.OwnBytes), Texts.Size(usage.OlderBytes), Texts.Size(usage.LiveBytes),
                $"{Texts.Size(usage.DeadBytes)} ({(stored == 0 ? 0 : Math.Round(100.0 * usage.DeadBytes / stored)):0} %)", Texts.Size(usage.GarbageBytes));
        }

        AnsiConsole.Write(table);
        foreach (var (service, usage, reason) in packs)
        {
            if (reason is not null)
            {
                Console.WriteLine($"{service}: not known what its backups are worth: {reason}");
            }
            else if (usage!.MissingObjects > 0)
            {
                Console.WriteLine($"{service}: backups name {usage.MissingObjects} objects that are not there; they cannot be restored from here");
            }
        }
    }

    static JsonObject ToJson(
        string name, string location, IReadOnlyList<RepositoryUsage> usages, IReadOnlyList<(string Service, PackUsage? Usage, string? Reason)> packs) => new()
    {
        ["format"] = 1,
        ["repository"] = name,
        ["location"] = location,
        ["initialised"] = usages.Any(usage => usage.Kind == RepositoryKeyKind.Repository),
        ["objects"] = usages.Sum(usage => usage.Objects),
        ["bytes"] = usages.Sum(usage => usage.Bytes),
        ["oldest"] = usages.Count == 0 ? null : Json.Moment(usages.Min(usage => usage.Oldest)),
        ["newest"] = usages.Count == 0 ? null : Json.Moment(usages.Max(usage => usage.Newest)),
        ["usage"] = Json.Array(usages, usage => new JsonObject
        {
            ["service"] = usage.Service,
            ["kind"] = KindName(usage.Kind),
            ["objects"] = usage.Objects,
            ["bytes"] = usage.Bytes,
            ["oldest"] = Json.Moment(usage.Oldest),
            ["newest"] = Json.Moment(usage.Newest),
        }),
        ["packs"] = Json.Array(packs, p => new JsonObject
        {
            ["service"] = p.Service,
            ["backups"] = p.Usage?.Backups,
            ["own-bytes"] = p.Usage?.OwnBytes,
            ["older-bytes"] = p.Usage?.OlderBytes,
            ["live-bytes"] = p.Usage?.LiveBytes,
            ["dead-bytes"] = p.Usage?.DeadBytes,
            ["garbage-bytes"] = p.Usage?.GarbageBytes,
            ["garbage-objects"] = p.Usage?.GarbageObjects,
            ["missing-objects"] = p.Usage?.MissingObjects,
            ["reason"] = p.Reason,
        }),
    };

    static string KindName(RepositoryKeyKind kind) => kind switch
    {
        RepositoryKeyKind.Repository => "repository",
        RepositoryKeyKind.DataKey => "keys",
        RepositoryKeyKind.Service => "service",
        RepositoryKeyKind.Wal => "wal",
        RepositoryKeyKind.WalPiece => "wal-pieces",
        RepositoryKeyKind.Backup => "backups",
        RepositoryKeyKind.Manifest => "manifests",
        RepositoryKeyKind.Pack => "packs",
        RepositoryKeyKind.Dump => "dumps",
        RepositoryKeyKind.DumpEntry => "dump-entries",
        RepositoryKeyKind.DumpManifest => "dump-manifests",
        RepositoryKeyKind.DumpSums => "dump-sums",
        RepositoryKeyKind.Drill => "drills",
        RepositoryKeyKind.Audit => "audit",
        RepositoryKeyKind.Lock => "locks",
        _ => "other",
    };
}
