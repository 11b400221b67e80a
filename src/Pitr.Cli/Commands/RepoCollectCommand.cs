using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo gc`: removes packs and manifests that no backup needs.</summary>
static class RepoCollectCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<TimeSpan?> Grace = GlobalOptions.Duration("--grace", "Leave objects that are younger than this (default 24h)");
    static readonly Option<bool> DryRun = new("--dry-run", "-n") { Description = "Only say what would go" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "gc",
            """
            Remove packs and manifests that no backup needs: those of backups that were interrupted, and what an earlier `pitr expire` could not finish.
            A service whose backup runs is skipped; exits 11 then. Only objects with names of packs and manifests are ever removed;
            others among them are named. Needs no identity.

              pitr repo gc --dry-run
              pitr repo gc main
              pitr repo gc main --grace 7d --output json
            """)
        {
            ServiceName, Grace, DryRun, Repositories,
        };
        command.SetAction(Audited.ActionOnAll("repo-gc", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        var names = parsed.GetValue(ServiceName) is { } one ? [one] : context.Configuration.Services.Keys.Order(StringComparer.Ordinal).ToArray();
        var dryRun = parsed.GetValue(DryRun);
        notes.ChangedNothing = dryRun;
        if (!dryRun)
        {
            notes.Subject = string.Join(", ", names);
            await notes.BeginAsync(cancellation);
        }

        var services = new JsonArray();
        var code = ExitCodes.Success;
        foreach (var name in names)
        {
            if (names.Length > 1 && context.HasDumps(name))
            {
                // What their interrupted backups left goes with a later backup.
                continue;
            }

            await using var service = context.OpenPackedService(name, parsed.GetValue(Repositories));
            var removal = new BackupRemoval(service) { Grace = parsed.GetValue(Grace) ?? BackupRemoval.DefaultGrace };
            try
            {
                var report = dryRun ? await removal.PlanAsync(NamedBackups.None, cancellation) : await removal.RunAsync(NamedBackups.None, cancellation);
                code = report.IsUnfinished && code == ExitCodes.Success ? ExitCodes.Repository : code;
                notes.Details[$"freed of {name}"] = Texts.Size(report.Repositories.Sum(r => r.Bytes + r.WalBytes));
                services.Add((JsonNode)RemovalOutput.ToJson(report));
                if (context.Output == OutputFormat.Text)
                {
                    RemovalOutput.Print(report, dryRun);
                }
            }
            catch (BusyException e) when (names.Length > 1)
            {
                // The other services need not wait for the backup of this one.
                code = ExitCodes.Busy;
                services.Add((JsonNode)new JsonObject { ["service"] = name, ["skipped"] = e.Message });
                Console.Error.WriteLine($"pitr: {name} was skipped: {e.Message}");
            }
        }

        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["dry-run"] = dryRun, ["services"] = services });
        }

        return code;
    }
}
