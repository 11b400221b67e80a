using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli.Commands;

/// <summary>
/// `pitr patroni-restore`: what Patroni calls, as a method of create_replica_methods or of bootstrap, with the parameters it adds
/// (Patroni's documentation, "Replica imaging and bootstrap").
/// </summary>
static class PatroniRestoreCommand
{
    // Settings of a method in patroni.yml that Patroni passes on, too.
    static readonly string[] OfPatroni = ["--scope", "--no_leader", "--no_master", "--no_params"];

    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: true);
    static readonly RestoreTargetOptions Target = new();
    static readonly Option<string> DataDirectory = new("--datadir") { Description = "The data directory; Patroni gives it", HelpName = "DIR", Required = true };
    static readonly Option<string?> Role = new("--role") { Description = "replica: make a standby. Patroni gives it to methods of create_replica_methods, and none to bootstrap", HelpName = "ROLE" };
    static readonly Option<string?> Connection = new("--connstring") { Description = "The member to follow; Patroni gives it, empty when there is none", HelpName = "CONN" };
    static readonly Option<string?> KeepData = new("--keep_data") { Description = "True: Patroni leaves the old data directory, and what is the same there is kept", HelpName = "True|False" };
    static readonly Option<string[]> Tablespaces = new("--tablespace-map") { Description = "As for restore", HelpName = "OLD=NEW" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();

    public static Command Create()
    {
        var command = new Command(
            "patroni-restore",
            """
            Restore as a command of Patroni: a replica for create_replica_methods, a cluster for bootstrap.

            Takes the parameters that Patroni adds, and leaves aside those it does not know, with a warning. In patroni.yml:

              postgresql:
                create_replica_methods: [pitr, basebackup]
                pitr: { command: pitr patroni-restore main, keep_data: True, no_leader: 1 }
              bootstrap:
                method: pitr
                pitr: { command: pitr patroni-restore main --target-time '2026-11-21 03:14:59+09', keep_existing_recovery_conf: True }
            """)
        {
            ServiceName, DataDirectory, Role, Connection, KeepData, Tablespaces, Repositories,
        };
        Target.AddTo(command);
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(Audited.Action("patroni-restore", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        RootRefusal.Require("PostgreSQL does not run as root, and files restored by root could not be read by it", "patroni-restore");
        var standby = IsStandby(parsed);
        var request = Target.Read(parsed);
        var directory = Path.GetFullPath(parsed.GetValue(DataDirectory)!);
        notes.Subject = directory;
        using var context = new CommandContext(parsed);
        LeaveAside(parsed, context);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var mode = string.Equals(parsed.GetValue(KeepData), "true", StringComparison.OrdinalIgnoreCase) || parsed.GetValue(KeepData) == "1" ? RestoreMode.Delta : RestoreMode.New;
        ClusterRestore.RequirePossible(directory, mode);
        var plan = await new RestorePlanner(service).PlanAsync(request, cancellation);
        var options = new RestoreOptions(RecoveryAction.Promote, RestoreCommandLine.For(context, service, plan, standby), ArchiveOff: false)
        {
            Tablespaces = TablespaceMap.Parse(parsed.GetValue(Tablespaces) ?? []),
            Mode = mode,
            Standby = standby,
            PrimaryConnectionInfo = parsed.GetValue(Connection) is { Length: > 0 } connection ? connection : null,
        };
        var restore = new ClusterRestore(service);
        using var prepared = await restore.PrepareAsync(plan, directory, options, cancellation);
        if (context.Output == OutputFormat.Text)
        {
            RestoreOutput.Plan(OutputFormat.Text, prepared, await RestoreEstimate.FindAsync(service, plan, cancellation));
        }

        await notes.BeginAsync(cancellation);
        var started = CommandContext.Clock.GetTimestamp();
        var kept = await restore.RunAsync(prepared, null, cancellation);
        RestoreOutput.Done(context.Output, prepared, new RestoreOutcome(null, null, 0, null) { KeptBytes = kept, Took = CommandContext.Clock.GetElapsedTime(started) });
        return ExitCodes.Success;
    }

    static bool IsStandby(ParseResult parsed)
    {
        var standby = parsed.GetValue(Role) switch
        {
            null or "" => false,
            "replica" or "standby_leader" => true,
            var other => throw new RefusedInputException($"--role {other} is not known", "Patroni gives replica, and none to bootstrap"),
        };
        return !standby || !Target.IsGiven(parsed) ? standby : throw new RefusedInputException(
            "a replica follows the newest timeline to its end and takes no target", "the target options belong to the method of bootstrap");
    }

    // A mistyped target would bring the wrong moment back, so what looks like a slip is refused.
    static void LeaveAside(ParseResult parsed, CommandContext context)
    {
        var known = parsed.CommandResult.Command.Options.Select(o => o.Name).ToArray();
        foreach (var name in parsed.UnmatchedTokens.Select(t => t.Split('=')[0]).Where(n => !OfPatroni.Contains(n)))
        {
            if (!name.StartsWith("--", StringComparison.Ordinal) || NearestName.Find(name, known) is not null)
            {
                throw new RefusedInputException($"{name} is not known", NearestName.Hint(name, known, "options"));
            }

            context.Log.Warning("{Parameter} is not known and left aside", name);
        }
    }
}
