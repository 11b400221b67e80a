using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Services;
using Pitr.Operations.Window;
using Pitr.Storage;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr info`: what can be brought back, in one sentence and then in tables.</summary>
static class InfoCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    static readonly Option<string?> Backup = new("--backup") { Description = "With --files: which backup (default: the newest)", HelpName = "ID" };
    static readonly Option<string[]> Files = new("--files") { Description = "List what a backup of kind files holds: all of it, or what this path or glob matches", HelpName = "GLOB", Arity = ArgumentArity.ZeroOrMore, AllowMultipleArgumentsPerToken = false };

    public static Command Create()
    {
        var command = new Command(
            "info",
            """
            Say to which moments each service can be brought back, and list its backups; of several services, one table with a line
            for each. Exits 4 when repositories did not answer that may hold more than what is shown.

              pitr info
              pitr info main
              pitr info main --output json
              pitr info etc --files                                   what the newest backup of etc holds
              pitr info etc --backup 20261121T031500Z --files '*.conf'
            """)
        {
            ServiceName, Repositories, Backup, Files,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        if (parsed.GetResult(Files) is { Implicit: false })
        {
            await using var files = context.OpenFilesService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
            return await FilesList.RunAsync(context, files, parsed.GetValue(Backup), parsed.GetValue(Files) ?? [], cancellation);
        }

        var names = parsed.GetValue(ServiceName) is { } one ? [one] : context.Configuration.Services.Keys.Order(StringComparer.Ordinal).ToArray();
        var services = new JsonArray();
        var complete = true;
        var trouble = new List<string>();
        foreach (var name in names)
        {
            await using var service = context.OpenAnyService(name, parsed.GetValue(Repositories));
            var (json, print) = await ReadAsync(service, cancellation);
            json["complete"] = !service.Repositories.IsIncomplete;
            complete &= !service.Repositories.IsIncomplete;
            json["repositories"] = Json.Array(service.Repositories.Stores, store => ToJson(service, store));
            services.Add((JsonNode)json);
            if (context.Output == OutputFormat.Text && names.Length == 1)
            {
                print();
            }

            trouble.AddRange(Trouble(service).Select(line => names.Length == 1 ? line : $"{Markup.Escape(name)}: {line}"));
        }

        if (context.Output == OutputFormat.Text)
        {
            if (names.Length > 1)
            {
                InfoOverview.Print(services);
            }

            trouble.ForEach(AnsiConsole.MarkupLine);
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["services"] = services });
        }

        return complete ? ExitCodes.Success : ExitCodes.Repository;
    }

    static async Task<(JsonObject Json, Action Print)> ReadAsync(OpenedService service, CancellationToken cancellation)
    {
        var name = service.Name.Value;
        if (service is DumpService dumps)
        {
            var backups = await new DumpCatalog(dumps).ListAsync(cancellation);
            return (DumpInfo.ToJson(name, service.Kind, backups, dumps.Settings.Objectives.Rpo), () => DumpInfo.Print(name, service.Kind, backups, dumps.Settings.Objectives.Rpo));
        }

        if (service is FilesService files)
        {
            var backups = await new BackupCatalog(files).ListAsync(cancellation);
            return (FilesInfo.ToJson(name, service.Kind, backups), () => FilesInfo.Print(name, backups));
        }

        var window = await new RecoveryWindowReader((PostgresService)service).ReadAsync(cancellation);
        return (ToJson(name, window), () => Print(name, window));
    }

    static void Print(string name, RecoveryWindow window)
    {
        AnsiConsole.MarkupLine(Sentence(name, window));
        if (window.Backups.Count == 0)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns("backup", "ended", "took", "method", "timeline", "size", "stored", "WAL");
        foreach (var backup in window.Backups)
        {
            table.AddRow(
                backup.Id,
                Texts.Moment(backup.Finished),
                Texts.Span(backup.Finished - backup.Started),
                backup.Method,
                $"{backup.Timeline}",
                Texts.Size(backup.DatabaseBytes),
                Texts.Size(backup.StoredBytes),
                backup.StartWal == backup.StopWal ? backup.StartWal : $"{backup.StartWal} to {backup.StopWal}");
        }

        AnsiConsole.Write(table);
        foreach (var backup in window.Backups.Where(b => b.DamagedPages > 0))
        {
            AnsiConsole.MarkupLine($"[red]backup {backup.Id} holds {DamageOutput.Sentence(backup.DamagedPages, backup.Damage)}[/]");
        }
    }

    // Nothing about repositories that are as they should be.
    static IEnumerable<string> Trouble(OpenedService service)
    {
        if (service.Repositories.IsIncomplete)
        {
            yield return "[red]not complete[/]: there may be more where nobody answered";
        }

        foreach (var store in service.Repositories.Stores)
        {
            if (service.Repositories.Unanswered.TryGetValue(store.Name, out var reason))
            {
                yield return $"[red]repository {Markup.Escape(store.Name)} could not be asked[/], this is without it: {Markup.Escape(reason)}";
            }

            var owed = service.Repositories.Debts.Owed(store.Name).ToArray();
            if (owed.Length > 0)
            {
                yield return $"[yellow]repository {Markup.Escape(store.Name)} lags behind[/]: it is owed {owed.Length} objects, the first since {Texts.Moment(owed.Min(d => d.Since))}";
            }
        }
    }

    static JsonObject ToJson(OpenedService service, IObjectStore store)
    {
        var owed = service.Repositories.Debts.Owed(store.Name).ToArray();
        return new JsonObject
        {
            ["name"] = store.Name,
            ["answered"] = !service.Repositories.Unanswered.ContainsKey(store.Name),
            ["reason"] = service.Repositories.Unanswered.GetValueOrDefault(store.Name),
            ["owed"] = owed.Length,
            ["owed-since"] = owed.Length == 0 ? null : Json.Moment(owed.Min(d => d.Since)),
        };
    }

    static string Sentence(string name, RecoveryWindow window)
    {
        if (window.Spans.Count == 0)
        {
            var why = window.Backups.Count == 0 ? $"no backup yet; take one with `pitr backup {name}`" : "no backup has the WAL it needs";
            return $"[red]{Markup.Escape(name)}: nothing can be restored[/] ({why})";
        }

        var last = window.Spans[^1];
        var ago = window.LastCommit is { } commit ? $"last archived commit {Texts.Span(CommandContext.Clock.GetUtcNow() - commit)} ago" : "no commit archived yet";
        var gaps = window.Wal!.Timelines.Sum(t => t.Gaps(window.Wal.SegmentSize).Count());
        var spans = window.Spans.Count == 1 ? "" : $", in {window.Spans.Count} separate spans since {Texts.Moment(window.Spans[0].From)}";
        return $"[green]{Markup.Escape(name)}: restorable to any moment from {Texts.Moment(last.From)} to {Texts.Moment(last.To)}[/]{spans}; {ago}; {(gaps == 0 ? "no gaps" : $"[red]{gaps} gap(s) in the WAL, see `pitr wal list {Markup.Escape(name)}`[/]")}";
    }

    static JsonObject ToJson(string name, RecoveryWindow window) => new()
    {
        ["service"] = name,
        ["kind"] = PostgresServiceSettings.KindName,
        ["restorable"] = window.Spans.Count > 0,
        ["last-commit"] = Json.Moment(window.LastCommit),
        ["spans"] = Json.Array(window.Spans, s => new JsonObject
        {
            ["timeline"] = s.Timeline.Value,
            ["from"] = Json.Moment(s.From),
            ["to"] = Json.Moment(s.To),
            ["first-backup"] = s.FirstBackup,
            ["last-wal"] = s.LastWal.ToString(),
        }),
        ["backups"] = Json.Array(window.Backups, ToJson),
        ["timelines"] = window.Wal is null ? new JsonArray() : WalListCommand.ToJson(window.Wal),
    };

    static JsonObject ToJson(BackupDocument b)
    {
        var json = new JsonObject
        {
            ["id"] = b.Id,
            ["method"] = b.Method,
            ["started"] = Json.Moment(b.Started),
            ["finished"] = Json.Moment(b.Finished),
            ["stop-time"] = Json.Moment(b.StopTime),
            ["timeline"] = b.Timeline,
            ["start-lsn"] = b.StartLsn.ToString(),
            ["stop-lsn"] = b.StopLsn.ToString(),
            ["start-wal"] = b.StartWal,
            ["stop-wal"] = b.StopWal,
            ["database-bytes"] = b.DatabaseBytes,
            ["stored-bytes"] = b.StoredBytes,
            ["older-bytes"] = b.OlderPacks.Sum(pack => pack.Size),
            ["base"] = b.Base,
            ["full-copy-reason"] = b.FullCopyReason,
            ["changes"] = b.Changes,
            ["pinned"] = b.Pinned,
            ["postgres-version"] = b.PostgresVersion,
        };
        DamageOutput.AddTo(json, b);
        return json;
    }
}
