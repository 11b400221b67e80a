using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli.Commands;

/// <summary>`pitr pin` and `pitr unpin`: backups that nothing removes.</summary>
static class PinCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly Option<string> Backup = new("--backup") { Description = "Which backup", HelpName = "ID", Required = true };
    static readonly Option<string> Reason = new("--reason") { Description = "Why it must stay; `pitr expire` says it", HelpName = "TEXT", Required = true };
    static readonly Option<string?> Until = new("--until") { Description = "When that ends, with its zone; never if left out", HelpName = "TIME" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "pin",
            """
            Keep a backup, with the WAL that makes it consistent, whatever the rules of retention say and whoever names it. Exits 4 when a repository could
            not be told; the pin counts there all the same, as long as the others answer. Needs no identity.

              pitr pin main --backup 20261121T031500Z --reason 'before the migration'
              pitr pin main --backup 20261121T031500Z --reason 'audit 2026' --until '2037-01-01 00:00:00+09'
            """)
        {
            ServiceName, Backup, Reason, Until, Repositories,
        };
        command.SetAction(Audited.Action("pin", ServiceName, (parsed, notes, cancellation) =>
            SetAsync(parsed, notes, RequireText(parsed.GetValue(Reason)!), ReadUntil(parsed.GetValue(Until)), cancellation)));
        return command;
    }

    public static Command CreateReverse()
    {
        var command = new Command(
            "unpin",
            """
            Leave a backup to the rules of retention again. Needs no identity.

              pitr unpin main --backup 20261121T031500Z
            """)
        {
            ServiceName, Backup, Repositories,
        };
        command.SetAction(Audited.Action("unpin", ServiceName, (parsed, notes, cancellation) => SetAsync(parsed, notes, null, null, cancellation)));
        return command;
    }

    static async Task<int> SetAsync(ParseResult parsed, AuditNotes notes, string? reason, DateTimeOffset? until, CancellationToken cancellation)
    {
        var text = parsed.GetValue(Backup)!;
        var id = BackupId.TryParse(text, out var found) ? found : throw new RefusedInputException($"\"{text}\" is not a backup id", "`pitr info` shows the ids");
        notes.Subject = id.ToString();
        using var context = new CommandContext(parsed);
        await using var service = context.OpenPackedService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var (entry, untold) = await new BackupPin(service).SetAsync(id, reason, until, cancellation);
        var pin = entry.PinAt(CommandContext.Clock.GetUtcNow());
        notes.Details["reason"] = pin ?? "none";
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = service.Name.Value,
                ["backup"] = entry.Id,
                ["pinned"] = entry.Pinned,
                ["pinned-until"] = Json.Moment(entry.PinnedUntil),
                ["untold"] = new JsonObject(untold.Select(u => KeyValuePair.Create(u.Key, (JsonNode?)u.Value))),
            });
        }
        else
        {
            Console.WriteLine(pin is null ? $"backup {entry.Id} of {service.Name} is left to the rules of retention" : $"backup {entry.Id} of {service.Name} stays: {pin}");
            foreach (var (repository, why) in untold)
            {
                Console.Error.WriteLine($"pitr: repository {repository} could not be told: {why}");
            }
        }

        return untold.Count > 0 ? ExitCodes.Repository : ExitCodes.Success;
    }

    static string RequireText(string reason) => !string.IsNullOrWhiteSpace(reason) && !reason.Any(char.IsControl) ? reason
        : throw new RefusedInputException("--reason is empty or has control characters", "say in one line why the backup must stay");

    static DateTimeOffset? ReadUntil(string? text)
    {
        try
        {
            var until = text is null ? null : RecoveryTarget.ParseTime(text).Time;
            return until is null || until > CommandContext.Clock.GetUtcNow() ? until
                : throw new RefusedInputException($"--until {text} is over", "leave it out to keep the backup for ever; `pitr unpin` takes a pin away");
        }
        catch (FormatException e)
        {
            throw new RefusedInputException($"--until: {e.Message}", "a time with its zone, '2037-01-01 00:00:00+00'", e);
        }
    }
}
