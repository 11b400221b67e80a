using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;

namespace Pitr.Cli.Commands;

/// <summary>`pitr expire`: removes backups that no rule keeps, or that are named, with all that only they need.</summary>
static class ExpireCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly Option<string[]> Backup = new("--backup")
    {
        Description = "Only these backups (several: again, or with commas), whatever the rules say",
        HelpName = "ID",
        CustomParser = result => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    static readonly Option<bool> Force = new("--force") { Description = "Also the last complete backup of a repository; a pinned one never" };
    static readonly Option<bool> DryRun = new("--dry-run", "-n") { Description = "Only say what would go" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "expire",
            """
            Remove the backups that no rule of `retention` keeps, with the packs that no other backup needs, and the WAL that nothing is recovered with
            any more. Any backup can go: no other one suffers. --dry-run says of each backup what keeps it or why it goes. Nothing is removed when
            the catalog is not known completely, while a backup runs, or when a repository would be left without a backup. What cannot be done
            now, in a repository that is away, is done by the next `pitr expire` or `pitr repo gc` of this host; exits 4 then. Needs no identity.

              pitr expire main --dry-run
              pitr expire main
              pitr expire main --backup 20261121T031500Z,20261122T031500Z
              pitr expire main --output json
            """)
        {
            ServiceName, Backup, Force, DryRun, Repositories,
        };
        command.SetAction(Audited.Action("expire", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var dryRun = parsed.GetValue(DryRun);
        notes.ChangedNothing = dryRun;
        await using var service = context.OpenPackedService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        IBackupChoice choice = parsed.GetValue(Backup) is { Length: > 0 } named
            ? new NamedBackups(Ids(named))
            : await RetentionChoice.PrepareAsync(service, cancellation);
        var removal = new BackupRemoval(service) { Force = parsed.GetValue(Force) };
        if (!dryRun)
        {
            notes.Subject = parsed.GetValue(Backup) is { Length: > 0 } ids ? string.Join(", ", ids) : null;
            await notes.BeginAsync(cancellation);
        }

        var report = dryRun ? await removal.PlanAsync(choice, cancellation) : await removal.RunAsync(choice, cancellation);
        report = report with { Verdicts = (choice as RetentionChoice)?.Verdicts };
        notes.Subject = string.Join(", ", report.Backups.Select(b => b.Id.ToString()));
        notes.Details["freed"] = Texts.Size(report.Repositories.Sum(r => r.Bytes + r.WalBytes));
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["dry-run"] = dryRun, ["services"] = new JsonArray(RemovalOutput.ToJson(report)) });
        }
        else
        {
            RemovalOutput.Print(report, dryRun);
        }

        return report.IsUnfinished ? ExitCodes.Repository : ExitCodes.Success;
    }

    static BackupId[] Ids(string[] texts)
    {
        try
        {
            return [.. texts.Select(text => BackupId.Parse(text))];
        }
        catch (FormatException e)
        {
            throw new RefusedInputException(e.Message, "nothing was removed; `pitr info` shows the ids", e);
        }
    }
}
