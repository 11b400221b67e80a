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
            Count objects and bytes per service and kind, with the oldest and the newest. Needs no identity.

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
        using (var display = new ProgressDisplay())
        {
            usages = await new RepositoryStats(store).CountAsync(new Forward<long>(seen => display.Show($"{seen} objects seen", 0, 0)), cancellation);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(store.Name, store.Location, usages));
        }
        else
        {
            Print(store.Name, usages);
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

    static JsonObject ToJson(string name, string location, IReadOnlyList<RepositoryUsage> usages) => new()
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
        RepositoryKeyKind.Drill => "drills",
        RepositoryKeyKind.Lock => "locks",
        _ => "other",
    };
}
