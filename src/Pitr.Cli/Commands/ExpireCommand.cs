using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;

namespace Pitr.Cli.Commands;

/// <summary>`pitr expire`: removes backups, with all that only they need.</summary>
static class ExpireCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly Option<string[]> Backup = new("--backup")
    {
        Description = "The backups to remove (several: again, or with commas)",
        HelpName = "ID",
        Required = true,
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
            Remove backups for good, with the packs that no other backup needs. Any backup can go: no other one suffers. Nothing is removed when the
            catalog is not known completely, while a backup runs, or when a repository would be left without a backup. What cannot be done
            now, in a repository that is away, is done by the next `pitr expire` or `pitr repo gc` of this host; exits 4 then. Needs no identity.

              pitr expire main --backup 20261121T031500Z --dry-run
              pitr expire main --backup 20261121T031500Z,20261122T031500Z
              pitr expire main --backup 20261121T031500Z --output json
            """)
        {
            ServiceName, Backup, Force, DryRun, Repositories,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var choice = new NamedBackups(Ids(parsed.GetValue(Backup)!));
        var dryRun = parsed.GetValue(DryRun);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var removal = new BackupRemoval(service) { Force = parsed.GetValue(Force) };
        var report = dryRun ? await removal.PlanAsync(choice, cancellation) : await removal.RunAsync(choice, cancellation);
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
