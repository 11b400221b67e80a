using System.CommandLine;
using System.CommandLine.Parsing;
using Pitr.Cli.Output;
using Pitr.Format.Wal;
using Pitr.Operations.Archive.Search;

namespace Pitr.Cli.Commands;

/// <summary>`pitr wal search`: finds the DROP in the archived WAL, and says where to stop before it.</summary>
static class WalSearchCommand
{
    const int DefaultLimit = 100;

    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string?> From = new("--from") { Description = "Where to begin: a time with its zone, a WAL position or a restore point (default: the beginning of the archive)", HelpName = "MOMENT" };
    static readonly Option<string?> To = new("--to") { Description = "Where to end, itself included (default: the end of the archive)", HelpName = "MOMENT" };
    static readonly Option<string?> Relation = new("--relation") { Description = "Only what was done to this relation, and to such whose name is not known", HelpName = "[SCHEMA.]NAME" };
    static readonly Option<WalSearchKinds> Kinds = CreateKinds();
    static readonly Option<int> Limit = CreateLimit();
    static readonly Option<string> Timeline = CreateTimeline();
    static readonly Option<bool> NoServer = new("--no-server") { Description = "Do not ask the live server for names that the WAL does not tell" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "search",
            """
            Find commits, restore points, and what DROP, TRUNCATE and DROP DATABASE left in the archived WAL, with the names of
            what is gone. For each it prints the `pitr extract` that brings back what was named, and the arguments of `pitr restore`
            that stop just before it.

            Needs the identity, and no server. Exits 4, 5 or 6 when something between the two moments could not be read: there may be more then.

              pitr wal search main --from '2026-11-21 03:00:00+09' --to '2026-11-21 04:00:00+09'
              pitr wal search main --relation sales.orders
              pitr wal search main --from 16/B374D848 --kind commit --kind restore-point --limit 20
              pitr wal search main --from before_migration --output json
            """)
        {
            ServiceName, From, To, Relation, Kinds, Limit, Timeline, NoServer, Repositories,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var request = new WalSearchRequest(
            parsed.GetValue(From) is { } from ? WalMoment.Parse(from) : null,
            parsed.GetValue(To) is { } to ? WalMoment.Parse(to) : null,
            parsed.GetValue(Kinds) is var kinds and not WalSearchKinds.None ? kinds : WalSearchKinds.Default,
            parsed.GetValue(Relation),
            parsed.GetValue(Limit),
            parsed.GetValue(Timeline)!,
            !parsed.GetValue(NoServer));
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        WalSearchReport report;
        using (var display = new ProgressDisplay())
        {
            report = await new WalSearch(service).RunAsync(request, new Forward<WalSearchProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
        }

        var output = new WalSearchOutput(service.Name.ToString(), request, report);
        if (context.Output == OutputFormat.Json)
        {
            output.WriteJson();
        }
        else
        {
            output.WriteText();
        }

        return output.ReportProblems();
    }

    static Option<WalSearchKinds> CreateKinds() => new("--kind")
    {
        Description = $"What to look for: {string.Join(", ", WalSearchOutput.KindNames.Keys)} (several: again, or with commas; default: destructive, restore-point)",
        HelpName = "KIND",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ParseKinds,
    };

    static WalSearchKinds ParseKinds(ArgumentResult result)
    {
        var kinds = WalSearchKinds.None;
        foreach (var word in result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            if (WalSearchOutput.KindNames.TryGetValue(word, out var kind))
            {
                kinds |= kind;
            }
            else
            {
                result.AddError($"--kind {word} is not known: {string.Join(", ", WalSearchOutput.KindNames.Keys)}");
            }
        }

        return kinds;
    }

    static Option<int> CreateLimit()
    {
        var option = new Option<int>("--limit") { Description = "How many findings are shown at most, the newest", HelpName = "N", DefaultValueFactory = _ => DefaultLimit };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--limit takes a number from 1 up");
            }
        });
        return option;
    }

    static Option<string> CreateTimeline()
    {
        var option = new Option<string>("--target-timeline") { Description = "latest or a number: whose path is searched, where the past forks after a promotion", HelpName = "TIMELINE", DefaultValueFactory = _ => "latest" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } text && text != "latest" && !Format.Wal.Timeline.TryParse(text, out _))
            {
                result.AddError($"--target-timeline {text} is not a timeline: latest or a number");
            }
        });
        return option;
    }
}
