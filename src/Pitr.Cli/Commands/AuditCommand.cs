using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Audit;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr audit`: who did what to a service's backups.</summary>
static class AuditCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string?> Since = new("--since") { Description = "Only what ended, or began and did not end, at a moment (with its zone) or later", HelpName = "TIME" };
    static readonly Option<string[]> Actions = new("--action")
    {
        Description = "Only these: backup, restore, patroni-restore, extract, verify, expire, pin, unpin, drill, key-add-recipient, repo-gc, repo-init, repo-put, repo-rm, repo-copy (several: again, or with commas)",
        HelpName = "ACTION",
        CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    static readonly Option<bool> Failed = new("--failed") { Description = "Only what did not end well, or not at all" };
    static readonly Option<int> Last = LastOption();
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string?> OfRepository = new("--of-repository") { Description = "Instead: what was done to this repository as a whole", HelpName = "NAME" };

    public static Command Create()
    {
        OfRepository.CompletionSources.Add(RepositoryNames.Complete);
        var command = new Command(
            "audit",
            """
            Show who did what to a service's backups, and how it ended: every backup, restore, extract, expire, verification, drill and added recipient, and
            what was done by hand in its repositories (`pitr repo`). Each leaves a record in the repositories, also when it failed; what takes long or
            destroys leaves one when it begins, too, so that what was killed is shown as never ended. Records are never changed. What only looked
            leaves none. Needs no identity.

              pitr audit main
              pitr audit main --action restore,expire --since '2026-11-01 00:00:00+09'
              pitr audit main --failed --last 500 --output json
              pitr audit --of-repository offsite       only what was done by hand there
            """)
        {
            ServiceName, Since, Actions, Failed, Last, Repositories, OfRepository,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var last = parsed.GetValue(Last);
        if (parsed.GetValue(OfRepository) is { } repository)
        {
            if (parsed.GetValue(ServiceName) is not null || parsed.GetValue(Repositories) is { Length: > 0 })
            {
                throw new RefusedInputException("--of-repository stands alone: it is not about a service", "leave SERVICE and --repository out, or --of-repository");
            }

            await using var alone = context.OpenAlone(repository);
            return Show(context, null, repository, await ReadAsync(parsed, new AuditTrail(alone, service: null, context.Log), last, cancellation), alone);
        }

        await using var service = context.OpenAnyService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var own = await ReadAsync(parsed, new AuditTrail(service), last, cancellation);
        var ofRepositories = await ReadAsync(parsed, new AuditTrail(service.Repositories, service: null, service.Log), last, cancellation);
        return Show(context, service.Name.Value, null, own.With(ofRepositories, last), service.Repositories);
    }

    static Task<AuditHistory> ReadAsync(ParseResult parsed, AuditTrail trail, int last, CancellationToken cancellation)
    {
        var actions = parsed.GetValue(Actions) ?? [];
        var failed = parsed.GetValue(Failed);
        return trail.ReadAsync(
            ReadSince(parsed.GetValue(Since)),
            last,
            record => Wants(record.Action) && (!failed || record.ExitCode != ExitCodes.Success),
            unfinished => Wants(unfinished.Beginning.Action) && (!failed || unfinished.State != AuditState.Running),
            cancellation);

        bool Wants(string action) => actions.Length == 0 || actions.Contains(action, StringComparer.Ordinal);
    }

    static int Show(CommandContext context, string? service, string? repository, AuditHistory history, RepositorySet repositories)
    {
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = service,
                ["repository"] = repository,
                ["complete"] = !repositories.IsIncomplete,
                ["unanswered"] = new JsonObject(repositories.Unanswered.Select(u => KeyValuePair.Create(u.Key, (JsonNode?)u.Value))),
                ["records"] = Json.Array(history.Records, record => JsonNode.Parse(record.ToJson())!),
                ["unfinished"] = Json.Array(history.Unfinished, unfinished => new JsonObject
                {
                    ["state"] = unfinished.State.ToString().ToLowerInvariant(),
                    ["beginning"] = JsonNode.Parse(unfinished.Beginning.ToJson()),
                }),
                ["unreadable"] = Json.Array(history.Unreadable, key => key),
            });
        }
        else
        {
            Print(history, repositories.Unanswered);
        }

        return history.Unreadable.Count > 0 ? ExitCodes.Damaged : repositories.IsIncomplete ? ExitCodes.Repository : ExitCodes.Success;
    }

    static void Print(AuditHistory history, IReadOnlyDictionary<string, string> unanswered)
    {
        if (history.Records.Count + history.Unfinished.Count == 0)
        {
            Console.WriteLine("nothing is recorded");
        }
        else
        {
            var table = new Table().Border(TableBorder.Simple).AddColumns("ended", "action", "took", "by", "what", "result");
            var rows = history.Records.Select(record => (Time: record.Ended, Row: Row(record))).Concat(history.Unfinished.Select(u => (Time: u.Beginning.Started, Row: Row(u))));
            foreach (var (_, row) in rows.OrderBy(r => r.Time))
            {
                table.AddRow(row);
            }

            AnsiConsole.Write(table);
        }

        foreach (var key in history.Unreadable)
        {
            AnsiConsole.MarkupLine($"[red]{Markup.Escape(key)} cannot be read[/]");
        }

        foreach (var (repository, reason) in unanswered)
        {
            AnsiConsole.MarkupLine($"[yellow]repository {Markup.Escape(repository)} did not answer[/]: {Markup.Escape(reason)}");
        }
    }

    static string[] Row(AuditRecord record) =>
    [
        Texts.Moment(record.Ended), Markup.Escape(record.Action), Texts.Span(record.Ended - record.Started), Markup.Escape($"{record.User} on {record.Host}"),
        What(record.Repository, record.Subject, record.Details),
        record.ExitCode == ExitCodes.Success ? "done" : $"[red]exit {record.ExitCode}[/]{(record.Error is { } error ? Markup.Escape($": {error}") : "")}",
    ];

    static string[] Row(UnfinishedAction unfinished)
    {
        var begun = unfinished.Beginning;
        return
        [
            $"began {Texts.Moment(begun.Started)}", Markup.Escape(begun.Action), "", Markup.Escape($"{begun.User} on {begun.Host}"), What(begun.Repository, begun.Subject, begun.Details),
            unfinished.State switch
            {
                AuditState.Running => $"runs still, process {begun.Process!.Id}",
                AuditState.Gone => "[red]never ended[/]: it was killed, or no repository took the record of its end",
                _ => $"[yellow]no end is known[/]: it runs, or was killed; {Markup.Escape(begun.Host)} can tell",
            },
        ];
    }

    static string What(string? repository, string? subject, IReadOnlyDictionary<string, string> details) => Markup.Escape(string.Join(
        ", ",
        details.Select(d => $"{d.Key} {d.Value}").Prepend(subject).Prepend(repository is null ? null : $"repository {repository}").Where(text => text is { Length: > 0 })));

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
