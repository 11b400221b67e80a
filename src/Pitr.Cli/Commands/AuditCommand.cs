using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Audit;
using Pitr.Operations.Errors;
using Pitr.Postgres.Recovery;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr audit`: who did what to a service's backups.</summary>
static class AuditCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string?> Since = new("--since") { Description = "Only what ended at a moment (with its zone) or later", HelpName = "TIME" };
    static readonly Option<string[]> Actions = new("--action")
    {
        Description = "Only these: backup, restore, patroni-restore, expire, pin, unpin, drill, key-add-recipient (several: again, or with commas)",
        HelpName = "ACTION",
        CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    static readonly Option<bool> Failed = new("--failed") { Description = "Only what did not end well" };
    static readonly Option<int> Last = LastOption();
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "audit",
            """
            Show who did what to a service's backups, and how it ended: every backup, restore, expire, drill and added recipient leaves a record in the
            repositories, also when it failed. Records are never changed. What was killed, or only looked, leaves none. Needs no identity.

              pitr audit main
              pitr audit main --action restore,expire --since '2026-11-01 00:00:00+09'
              pitr audit main --failed --last 500 --output json
            """)
        {
            ServiceName, Since, Actions, Failed, Last, Repositories,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var actions = parsed.GetValue(Actions) ?? [];
        var failed = parsed.GetValue(Failed);
        var (records, unreadable) = await new AuditTrail(service).ReadAsync(
            ReadSince(parsed.GetValue(Since)),
            parsed.GetValue(Last),
            record => (actions.Length == 0 || actions.Contains(record.Action, StringComparer.Ordinal)) && (!failed || record.ExitCode != ExitCodes.Success),
            cancellation);
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = service.Name.Value,
                ["complete"] = !service.Repositories.IsIncomplete,
                ["records"] = Json.Array(records, record => JsonNode.Parse(record.ToJson())!),
                ["unreadable"] = Json.Array(unreadable, key => key),
            });
        }
        else
        {
            Print(records, unreadable, service.Repositories.Unanswered);
        }

        return unreadable.Count > 0 ? ExitCodes.Damaged : service.Repositories.IsIncomplete ? ExitCodes.Repository : ExitCodes.Success;
    }

    static void Print(IReadOnlyList<AuditRecord> records, IReadOnlyList<string> unreadable, IReadOnlyDictionary<string, string> unanswered)
    {
        if (records.Count == 0)
        {
            Console.WriteLine("nothing is recorded");
        }
        else
        {
            var table = new Table().Border(TableBorder.Simple).AddColumns("ended", "action", "took", "by", "what", "result");
            foreach (var record in records)
            {
                table.AddRow(
                    Texts.Moment(record.Ended), Markup.Escape(record.Action), Texts.Span(record.Ended - record.Started), Markup.Escape($"{record.User} on {record.Host}"),
                    Markup.Escape(string.Join(", ", record.Details.Select(d => $"{d.Key} {d.Value}").Prepend(record.Subject).Where(text => text is { Length: > 0 }))),
                    record.ExitCode == ExitCodes.Success ? "done" : $"[red]exit {record.ExitCode}[/]{(record.Error is { } error ? Markup.Escape($": {error}") : "")}");
            }

            AnsiConsole.Write(table);
        }

        foreach (var key in unreadable)
        {
            AnsiConsole.MarkupLine($"[red]{Markup.Escape(key)} cannot be read[/]");
        }

        foreach (var (repository, reason) in unanswered)
        {
            AnsiConsole.MarkupLine($"[yellow]repository {Markup.Escape(repository)} did not answer[/]: {Markup.Escape(reason)}");
        }
    }

    static DateTimeOffset? ReadSince(string? text)
    {
        try
        {
            return text is null ? null : RecoveryTarget.ParseTime(text).Time;
        }
        catch (FormatException e)
        {
            throw new RefusedInputException($"--since: {e.Message}", "a time with its zone, '2026-11-21 03:15:00+00'", e);
        }
    }

    static Option<int> LastOption()
    {
        var option = new Option<int>("--last") { Description = "So many at most, the newest", HelpName = "N", DefaultValueFactory = _ => 50 };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 100_000)
            {
                result.AddError("--last takes a number from 1 to 100000");
            }
        });
        return option;
    }
}
