using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Restore.InPlace;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore --in-place`: a service's own cluster goes back to a moment where it is, or stays what it was.</summary>
/// <param name="Request">The moment.</param>
/// <param name="Options">How the cluster is set up; the restore_command comes with the plan.</param>
/// <param name="TablespaceMap">As on the command line.</param>
/// <param name="RemovesOld">The old cluster is removed in the end.</param>
/// <param name="DryRun">Only looked.</param>
sealed record InPlaceRun(RestoreRequest Request, RestoreOptions Options, IReadOnlyList<string> TablespaceMap, bool RemovesOld, bool DryRun)
{
    // What must be the same for an interrupted one to be gone on with.
    string Text => $"{Request.Target}, timeline {Request.Timeline}, "
        + $"{(Request.Backup is { } backup ? $"from backup {backup}" : "from the newest backup that fits")}, then {Options.Action.ToString().ToLowerInvariant()}"
        + $"{(Options.ArchiveOff ? ", archiving off" : "")}{string.Concat(TablespaceMap.Select(m => $", tablespace {m}"))}";

    public async Task<int> RunAsync(CommandContext context, PostgresService service, AuditNotes notes, CancellationToken cancellation)
    {
        RequireAction();
        using var inPlace = InPlaceRestore.Open(service);
        notes.Subject = inPlace.Directory;
        notes.Details["in-place"] = inPlace.Id;
        if (!DryRun)
        {
            RootRefusal.Require("PostgreSQL does not run as root, and files restored by root could not be read by it", "restore");
            inPlace.Lock();
        }

        inPlace.RequireGoesOn(Text);
        using var prepared = inPlace.IsRestored ? null : await PrepareAsync(context, service, inPlace, notes, cancellation);
        if (DryRun || context.Output == OutputFormat.Text)
        {
            var estimate = prepared is null ? null : await RestoreEstimate.FindAsync(service, prepared.Plan, cancellation);
            InPlaceOutput.Plan(context.Output, inPlace, service, prepared, estimate, RemovesOld);
        }

        if (DryRun)
        {
            return ExitCodes.Success;
        }

        await notes.BeginAsync(cancellation);
        var started = CommandContext.Clock.GetTimestamp();
        InPlaceResult result;
        using (var display = new ProgressDisplay())
        {
            var progress = new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes));
            result = await inPlace.RunAsync(prepared, Text, Options.Action, progress, cancellation);
            if (RemovesOld)
            {
                display.Show("removing the old cluster", 0, 0);
                result = result with { Kept = inPlace.RemoveOld(result.Kept) };
            }
        }

        InPlaceOutput.Done(context.Output, inPlace, service, prepared, result, CommandContext.Clock.GetElapsedTime(started));
        return ExitCodes.Success;
    }

    /// <summary>`--roll-back`.</summary>
    public static async Task<int> RollBackAsync(CommandContext context, PostgresService service, AuditNotes notes, bool dryRun)
    {
        using var inPlace = InPlaceRestore.Open(service);
        notes.Subject = inPlace.Directory;
        notes.Details["in-place"] = inPlace.Id;
        notes.Details["roll-back"] = "true";
        inPlace.RequireRollBack();
        if (dryRun)
        {
            InPlaceOutput.RollBackPlan(context.Output, inPlace, service.Settings.Server.StopCommand!, service.Settings.Server.StartCommand!);
            return ExitCodes.Success;
        }

        RootRefusal.Require("PostgreSQL does not run as root", "restore");
        inPlace.Lock();
        await notes.BeginAsync(CancellationToken.None);
        using var display = new ProgressDisplay();
        var said = await inPlace.RollBackAsync(new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)));
        display.Clear();
        InPlaceOutput.RolledBack(context.Output, inPlace, said);
        return ExitCodes.Success;
    }

    async Task<PreparedRestore> PrepareAsync(CommandContext context, PostgresService service, InPlaceRestore inPlace, AuditNotes notes, CancellationToken cancellation)
    {
        var plan = await new RestorePlanner(service).PlanAsync(Request, cancellation);
        notes.Details["target"] = plan.Target.ToString();
        notes.Details["backup"] = plan.Backup.Id;
        await inPlace.RequirePossibleAsync(plan, Options.Action, cancellation);
        var options = Options with
        {
            RestoreCommand = RestoreCommandLine.For(context, service, plan, standby: false), Mode = RestoreMode.InPlace, OldDirectory = inPlace.OldDirectory, Wal = inPlace.Wal,
        };
        return await new ClusterRestore(service).PrepareAsync(plan, inPlace.Directory, options, cancellation);
    }

    void RequireAction()
    {
        if (Options.Action == RecoveryAction.Shutdown)
        {
            throw new RefusedInputException("--target-action shutdown and --in-place exclude each other: the server has to run in the end", "pause, to look before it promotes; or promote");
        }

        if (Options.Action == RecoveryAction.Pause && RemovesOld)
        {
            throw new RefusedInputException("--target-action pause and --remove-old exclude each other: the restored cluster is not in use yet", "leave --remove-old out, and remove the old one when you have decided");
        }
    }
}
