using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore`: brings a cluster back to a moment.</summary>
static class RestoreCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly GroupOptions Group = new();
    static readonly Option<string?> To = new("--to") { Description = "Directory that becomes the data directory: new, empty, or with --delta or --overwrite the cluster's own. Of dumps and files: a new or empty one that takes them", HelpName = "DIR" };
    static readonly InPlaceOptions InPlace = new();
    static readonly RestoreTargetOptions Target = new();
    static readonly Option<RecoveryAction> Action = new("--target-action") { Description = "What PostgreSQL does at the target (latest always promotes)", DefaultValueFactory = _ => RecoveryAction.Promote };
    static readonly Option<string?> ArchiveMode = new("--archive-mode") { Description = "off: the copy does not archive (default unless --to is the service's own data directory); keep: as the cluster was set", HelpName = "off|keep" };
    static readonly Option<bool> Start = new("--start") { Description = "Start PostgreSQL there and wait until the target is reached; it goes on running" };
    static readonly Option<string> SocketDirectory = new("--socket-directory") { Description = "With --start: where its Unix socket goes", DefaultValueFactory = _ => "/tmp", HelpName = "DIR" };
    static readonly Option<int> Port = new("--port") { Description = "With --start: its port number (default: a free one)" };
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string[]> Tablespaces = new("--tablespace-map")
    {
        Description = "Where a tablespace goes, by its OID or the directory it had; without it, back to that directory. Once for each", HelpName = "OLD=NEW", AllowMultipleArgumentsPerToken = false,
    };

    static readonly Option<bool> Delta = new("--delta") { Description = "--to is the same cluster's data directory, stopped: write only what differs, and remove what the backup does not have" };
    static readonly Option<bool> Overwrite = new("--overwrite") { Description = "--to is the same cluster's data directory, stopped: clear it first" };
    static readonly Option<bool> Standby = new("--standby") { Description = "Make a standby: it follows its primary, and the archive, on the newest timeline" };
    static readonly Option<string?> PrimaryConnectionInfo = new("--primary-conninfo")
    {
        Description = "With --standby: primary_conninfo, for example 'host=db1 user=replicator'. Better a passfile than a password in it", HelpName = "CONN",
    };

    static readonly Option<bool> DryRun = new("--dry-run") { Description = "Show the plan and do nothing" };

    public static Command Create()
    {
        var command = new Command(
            "restore",
            """
            Bring a cluster back to any moment: in a new directory, over a stopped one, or in place, with the server stopped and started and
            the old directories kept until the new cluster has recovered.

            Makes a plan first and refuses what is impossible before the first byte, naming the nearest moment that is possible. A restore
            that was interrupted goes on where it was when the same command is given again.

              pitr restore main --to /var/lib/postgresql/15/back --target-time '2026-11-21 03:14:59+09' --dry-run
              pitr restore main --to /var/lib/postgresql/15/back --target-time '2026-11-21 03:14:59+09' --start
              pitr restore main --in-place --target-time '2026-11-21 03:14:59+09' --dry-run
              pitr restore main --in-place --target-time '2026-11-21 03:14:59+09'
              pitr restore main --in-place --roll-back                            the old cluster again, after one that was killed or went to the wrong moment
              pitr restore main latest --to /var/lib/postgresql/15/main           all there is, on a new host
              pitr restore main --to /var/lib/postgresql/15/main --standby --primary-conninfo 'host=db1 user=replicator'
              pitr restore main --to /tmp/look --repository offsite               as if the others were lost
              pitr restore main --to /srv/copy/data --tablespace-map 16385=/srv/copy/fast
              pitr restore main --to /var/lib/postgresql/15/main --delta          over the stopped original, writing only what differs
              pitr restore main --to /tmp/look --target-name before_migration --target-action pause --start

            Dumps (kinds postgres-dump, mysql, redis, mongodb, qdrant) are brought back into the service's server, or a directory. What is there is not
            touched, unless --drop says so:

              pitr restore shop --dry-run                                         the newest, every database
              pitr restore shop 20261121T031500Z --database orders --into orders_before
              pitr restore shop --database orders --table customers --into look
              pitr restore shop --to /srv/look                                    its streams as files, without a server: orders.dump, globals.sql
              pitr restore cache --to /srv/redis/back                             the file that redis-server loads
              pitr restore legacy --database shop --into shop_back --globals      mysql: and users and roles that are not there
              pitr restore documents --database shop --drop                       mongodb: in place of the collections that are there
              pitr restore vectors --database articles --into articles_before     qdrant: a collection beside the living one
              pitr restore cache --in-place --dry-run                             redis: its own server stopped, the file placed, started; the old data kept
              pitr restore cache --in-place --roll-back

            Every service of the configuration where it is, those that others come after (services.*.after) first. Every backup is read before anything is
            changed; applications are stopped and started again (applications, services.*.applications); what was there is kept, and put back if
            anything fails:

              pitr restore --all latest --dry-run
              pitr restore --all latest
              pitr restore --all --target-time '2026-11-21 03:15:00+09'           dumps: the newest that had ended by then
              pitr restore --all latest --component db --component uploads
              pitr restore --all --roll-back                                      what was there before, after a kill or a wrong moment
              pitr restore --all --confirm                                        remove what was there before

            Files (kind files) are brought back below a new directory, or with --in-place to where they were; what is there then is kept beside them under another name,
            and put back if anything fails:

              pitr restore etc --to /tmp/look --path /etc/nginx --path '*.conf'
              pitr restore etc 20261121T031500Z --in-place --path /etc/nginx --dry-run
              pitr restore etc 20261121T031500Z --in-place --path /etc/nginx
              pitr restore etc --in-place --roll-back                             what was there before, after a kill or a wrong backup
              pitr restore etc --in-place --confirm                               remove what was there before
            """)
        {
            ServiceName,
        };
        Target.AddArgumentTo(command);
        command.Options.Add(To);
        InPlace.AddTo(command);
        Target.AddTo(command);
        foreach (var option in new Option[] { Tablespaces, Delta, Overwrite, Action, ArchiveMode, Standby, PrimaryConnectionInfo, Start, SocketDirectory, Port, Repositories, DryRun })
        {
            command.Options.Add(option);
        }

        DumpRestoreOptions.AddTo(command);
        Group.AddTo(command);
        Group.AddConfirmTo(command);
        Group.RequireServiceOrAll(command, ServiceName);
        FilesRestoreOptions.AddTo(command);
        command.Validators.Add(result =>
        {
            if (!result.GetValue(Group.All) && result.GetValue(ServiceName) is not null && result.GetResult(To) is null && !result.GetValue(InPlace.Option) && !DumpRestoreOptions.IsMeant(result.GetValue(ServiceName), result.GetValue(GlobalOptions.Config)))
            {
                result.AddError("Option '--to' is required, or '--in-place'.");
            }
        });
        var single = Audited.Action("restore", ServiceName, RunAsync);
        var all = Audited.ActionOnGroup("restore --all", Group.Services, RunAllAsync);
        command.SetAction((parsed, cancellation) => Group.IsGiven(parsed) ? all(parsed, cancellation) : single(parsed, cancellation));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using (var dumps = new CommandContext(parsed))
        {
            if (dumps.HasFiles(parsed.GetValue(ServiceName)))
            {
                return await RunFilesAsync(parsed, dumps, notes, cancellation);
            }

            InPlaceOptions.RequireNoConfirm(parsed, Group);

            if (dumps.HasDumps(parsed.GetValue(ServiceName)))
            {
                FilesRestoreOptions.RequireNone(parsed);
                if (InPlace.IsInPlace(parsed))
                {
                    return await RunRedisInPlaceAsync(parsed, dumps, notes, cancellation);
                }

                DumpRestoreOptions.RequireNoOther(parsed, To, Repositories, DryRun, Target.Backup);
                var run = new DumpRestoreRun(
                    DumpRestoreOptions.ReadBackup(Target.ReadWord(parsed)), DumpRestoreOptions.Read(parsed, parsed.GetValue(To)), parsed.GetValue(Repositories), parsed.GetValue(DryRun));
                return await run.RunAsync(dumps, parsed.GetValue(ServiceName), notes, cancellation);
            }
        }

        FilesRestoreOptions.RequireNone(parsed);
        DumpRestoreOptions.RequireNone(parsed);
        var request = Target.Read(parsed);
        InPlace.RequireSense(parsed, To, Delta, Overwrite, Standby, PrimaryConnectionInfo, SocketDirectory, Port);
        if (InPlace.IsInPlace(parsed))
        {
            return await RunInPlaceAsync(parsed, request, notes, cancellation);
        }

        var standby = IsStandby(parsed);
        var directory = Path.GetFullPath(parsed.GetValue(To)!);
        notes.Subject = directory;
        notes.ChangedNothing = parsed.GetValue(DryRun);
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var mode = Mode(parsed);
        var tablespaces = TablespaceMap.Parse(parsed.GetValue(Tablespaces) ?? []);
        ClusterRestore.RequirePossible(directory, mode);
        var plan = await new RestorePlanner(service).PlanAsync(request, cancellation);
        notes.Details["target"] = standby ? "standby" : plan.Target.ToString()!;
        notes.Details["backup"] = plan.Backup.Id;
        // A standby archives, if at all, when it is promoted: then it is the cluster.
        var archiveOff = standby ? parsed.GetValue(ArchiveMode) == "off" : IsArchiveOff(parsed, service, directory);
        var options = new RestoreOptions(parsed.GetValue(Action), RestoreCommandLine.For(context, service, plan, standby), archiveOff)
        {
            Tablespaces = tablespaces, Mode = mode, Standby = standby, PrimaryConnectionInfo = parsed.GetValue(PrimaryConnectionInfo),
        };
        var restore = new ClusterRestore(service);
        using var prepared = await restore.PrepareAsync(plan, directory, options, cancellation);
        var estimate = await RestoreEstimate.FindAsync(service, plan, cancellation);
        if (parsed.GetValue(DryRun))
        {
            RestoreOutput.Plan(context.Output, prepared, estimate);
            return ExitCodes.Success;
        }

        RootRefusal.Require("PostgreSQL does not run as root, and files restored by root could not be read by it", "restore");
        if (context.Output == OutputFormat.Text)
        {
            RestoreOutput.Plan(OutputFormat.Text, prepared, estimate);
        }

        await notes.BeginAsync(cancellation);
        var started = CommandContext.Clock.GetTimestamp();
        RestoreOutcome outcome;
        using (var display = new ProgressDisplay())
        {
            var progress = new Forward<RestoreProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes));
            var kept = await restore.RunAsync(prepared, progress, cancellation);
            outcome = parsed.GetValue(Start)
                ? await StartAsync(parsed, context, service, plan, directory, progress, cancellation)
                : new RestoreOutcome(null, null, 0, null);
            outcome = outcome with { KeptBytes = kept, Took = CommandContext.Clock.GetElapsedTime(started) };
        }

        RestoreOutput.Done(context.Output, prepared, outcome);
        return ExitCodes.Success;
    }

    /// <summary>Whether a command line asks for a restore in place, whose way back must not be cut short.</summary>
    public static bool IsInPlace(ParseResult parsed) => parsed.GetResult(InPlace.Option) is { Implicit: false } || Group.IsGiven(parsed);

    static Task<int> RunAllAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        Group.RequireNoOther(parsed, [DryRun, .. InPlace.OfGroups, .. Target.OfGroups]);
        var run = new GroupRestoreRun(parsed, Group, Target.ReadMoment(parsed, parsed.GetValue(ServiceName)), parsed.GetValue(DryRun), InPlace.RemovesOld(parsed));
        return (InPlace.IsRollBack(parsed), Group.IsConfirm(parsed), InPlace.RemovesOld(parsed)) switch
        {
            (true, false, false) => run.RollBackAsync(notes),
            (false, true, false) => run.ConfirmAsync(notes, cancellation),
            (false, false, _) => run.RunAsync(notes, cancellation),
            _ => throw new RefusedInputException("--roll-back, --confirm and --remove-old exclude each other", "--roll-back goes back to what was there before, --confirm removes it, --remove-old removes it when the restore has succeeded"),
        };
    }

    static Task<int> RunFilesAsync(ParseResult parsed, CommandContext context, AuditNotes notes, CancellationToken cancellation)
    {
        FilesRestoreOptions.RequireNoOther(parsed, [To, Repositories, DryRun, Target.Backup, Group.Confirm, .. InPlace.All]);
        RequireOnePlace(parsed);
        InPlace.RequireSense(parsed, To);
        var (name, backup, dryRun) = (parsed.GetValue(ServiceName), DumpRestoreOptions.ReadBackup(Target.ReadWord(parsed)), parsed.GetValue(DryRun));
        if (InPlace.IsRollBack(parsed) || Group.IsConfirm(parsed))
        {
            FilesRestoreOptions.RequireAlone(parsed, backup, InPlace.IsInPlace(parsed), [InPlace.Option, Group.Confirm, .. InPlace.OfGroups]);
            return new FilesInPlaceRun(removes: Group.IsConfirm(parsed), dryRun).RunAsync(context, name, notes);
        }

        return new FilesRestoreRun(backup, FilesRestoreOptions.Read(parsed, parsed.GetValue(To)), parsed.GetValue(Repositories), dryRun, InPlace.RemovesOld(parsed)).RunAsync(context, name, notes, cancellation);
    }

    static async Task<int> RunInPlaceAsync(ParseResult parsed, RestoreRequest request, AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = parsed.GetValue(DryRun);
        using var context = new CommandContext(parsed);
        await using var service = context.OpenService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        if (InPlace.IsRollBack(parsed))
        {
            return await InPlaceRun.RollBackAsync(context, service, notes, parsed.GetValue(DryRun));
        }

        var map = parsed.GetValue(Tablespaces) ?? [];
        var options = new RestoreOptions(parsed.GetValue(Action), "", IsArchiveOff(parsed, service, service.Settings.DataDirectory)) { Tablespaces = TablespaceMap.Parse(map) };
        return await new InPlaceRun(request, options, map, InPlace.RemovesOld(parsed), parsed.GetValue(DryRun)).RunAsync(context, service, notes, cancellation);
    }

    static void RequireOnePlace(ParseResult parsed)
    {
        if (parsed.GetValue(To) is not null && parsed.GetValue(InPlace.Option))
        {
            throw new RefusedInputException("--to and --in-place exclude each other", "--to DIR restores into a new directory, --in-place to where the files were");
        }
    }

    static async Task<int> RunRedisInPlaceAsync(ParseResult parsed, CommandContext context, AuditNotes notes, CancellationToken cancellation)
    {
        InPlace.RequireSense(parsed, To);
        DumpRestoreOptions.RequireNone(parsed);
        DumpRestoreOptions.RequireNoOther(parsed, [Repositories, DryRun, Target.Backup, .. InPlace.All]);
        await using var service = context.OpenDumpService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var backup = DumpRestoreOptions.ReadBackup(Target.ReadWord(parsed));
        return await new RedisInPlaceRun(backup, InPlace.RemovesOld(parsed), InPlace.IsRollBack(parsed), parsed.GetValue(DryRun)).RunAsync(context, service, notes, cancellation);
    }

    static RestoreMode Mode(ParseResult parsed) => (parsed.GetValue(Delta), parsed.GetValue(Overwrite)) switch
    {
        (true, true) => throw new RefusedInputException("--delta and --overwrite exclude each other", "--delta keeps what is the same, --overwrite clears the directory first"),
        (true, false) => RestoreMode.Delta,
        (false, true) => RestoreMode.Overwrite,
        _ => RestoreMode.New,
    };

    static bool IsStandby(ParseResult parsed)
    {
        var standby = parsed.GetValue(Standby);
        if (standby && Target.IsGiven(parsed))
        {
            throw new RefusedInputException("--standby follows the newest timeline to its end and takes no target", "leave the --target options out; --backup may be given");
        }

        if (standby && parsed.GetValue(Start))
        {
            throw new RefusedInputException("--standby and --start exclude each other: a standby's recovery does not end", "start it the way the service is started, for example with pg_ctl");
        }

        return standby || parsed.GetValue(PrimaryConnectionInfo) is null
            ? standby
            : throw new RefusedInputException("--primary-conninfo belongs to --standby", "add --standby, or leave it out");
    }

    static async Task<RestoreOutcome> StartAsync(
        ParseResult parsed, CommandContext context, PostgresService service, RestorePlan plan, string directory, IProgress<RestoreProgress> progress, CancellationToken cancellation)
    {
        await using var handler = context.CreateArchiveHandler(service);
        var log = Path.Combine(directory, "pitr-recovery.log");
        var options = new RecoveryServerOptions(
            directory, parsed.GetValue(SocketDirectory)!, parsed.GetValue(Port), log, new Dictionary<string, string>(StringComparer.Ordinal), OwnConfiguration: false);
        await using var recovering = RecoveryServer.Start(service, plan.Backup, options, handler, context.ArchiveCommands(service.Name.ToString()));
        var server = recovering.Server;
        RecoveryProgress? last = null;
        var end = await server.WaitUntilRecoveryEndsAsync(
            state =>
            {
                last = state;
                progress.Report(new RestoreProgress($"replaying WAL {state.LastRestored}", plan.RestoredBytes, plan.RestoredBytes));
            },
            cancellation);
        if (end == RecoveryEnd.ShutDown)
        {
            return new RestoreOutcome(end, null, 0, last?.LastCommit);
        }

        await server.WaitUntilAcceptingAsync(cancellation);
        var outcome = new RestoreOutcome(end, server.SocketDirectory, server.Port, last?.LastCommit);
        server.Detach();
        return outcome;
    }

    // A copy beside the original would put a new timeline into the original's archive, and `latest` would follow it from then on.
    static bool IsArchiveOff(ParseResult parsed, PostgresService service, string? directory) => parsed.GetValue(ArchiveMode) switch
    {
        null => service.Settings.DataDirectory is not { } own || Path.GetFullPath(own) != directory,
        "off" => true,
        "keep" => false,
        var other => throw new RefusedInputException($"--archive-mode {other} is not known", "off or keep"),
    };
}
