using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Operations.Restore;
using Pitr.Postgres.Cluster;

namespace Pitr.Cli.Commands;

/// <summary>Prints plans and results of restores.</summary>
static class RestoreOutput
{
    public static void Plan(OutputFormat format, PreparedRestore restore, RestoreEstimate? estimate)
    {
        var (plan, directory) = (restore.Plan, restore.Directory);
        if (format == OutputFormat.Json)
        {
            Json.Write(ToJson(restore, estimate));
            return;
        }

        Console.WriteLine(
            $"""
            Plan
              target     {(restore.Options.Standby ? "a standby, to follow the newest timeline" : plan.Target)}
              backup     {plan.Backup.Id} ({plan.BackupReason}), consistent at {Texts.Moment(plan.Backup.StopTime)}, PostgreSQL {plan.Backup.PostgresVersion / 10000}
              timelines  {string.Join(" → ", plan.Timelines)}
              WAL        {plan.FirstWal} to {plan.LastWal}, {plan.WalSegments} segment(s), all there
              last commit archived  {(plan.LastCommit is { } last ? Json.Moment(last) : "none after the backup")}
              fetch      {Texts.Size(plan.FetchBytes)} from the repository, plus WAL
              write      {Texts.Size(plan.RestoredBytes)} into {directory}{What(restore)}
              archiving  {(restore.Options.ArchiveOff ? "off in the restored cluster (--archive-mode keep changes that)" : "as the cluster was set")}
            """);
        foreach (var place in restore.Tablespaces)
        {
            var from = place.Target == place.Tablespace.Location ? "" : $" (was {place.Tablespace.Location})";
            Console.WriteLine($"  tablespace {place.Tablespace.Oid} into {place.Target}{from}");
        }

        foreach (var space in restore.Space)
        {
            Console.WriteLine($"  space      {Texts.Size(space.NeededBytes)} on the file system of {space.Place}, {Texts.Size(space.AvailableBytes)} there");
        }

        Console.WriteLine("  key        there: the manifest, the first and the last segment open");
        Console.WriteLine($"  time       {Estimate(estimate)}");
        foreach (var note in plan.Notes)
        {
            Console.WriteLine($"  NOTE       {note}");
        }

        if (plan.Backup.DamagedPages > 0)
        {
            Console.WriteLine($"  DAMAGED    the backup holds {DamageOutput.Sentence(plan.Backup.DamagedPages, plan.Backup.Damage)}");
        }
    }

    static string Estimate(RestoreEstimate? estimate) => estimate is null
        ? "not known: no drill of this service has measured it (pitr drill)"
        : $"about {Texts.Span(estimate.Whole)}: files {Texts.Span(estimate.Fetch)}, WAL {Texts.Span(estimate.Replay)}, as fast as {(estimate.Drills.Count == 1 ? $"drill {estimate.Drills[0]}" : $"the last {estimate.Drills.Count} drills")}";

    static string What(PreparedRestore restore) => restore switch
    {
        { WrittenPacks: > 0 and var packs } => $", where {packs} pack(s) are written already",
        { KeepsFiles: true } => "; what is the same there stays",
        { Options.Mode: RestoreMode.Overwrite } => ", which is cleared first",
        { Options.Mode: RestoreMode.InPlace } => ", from which the old cluster is moved aside first",
        _ => "",
    };

    public static void Done(OutputFormat format, PreparedRestore restore, RestoreOutcome outcome)
    {
        var (plan, directory) = (restore.Plan, restore.Directory);
        if (format == OutputFormat.Json)
        {
            var json = new JsonObject
            {
                ["format"] = 1,
                ["service"] = plan.Backup.Service,
                ["backup"] = plan.Backup.Id,
                ["directory"] = directory,
                ["kept-bytes"] = outcome.KeptBytes,
                ["recovery"] = outcome.End?.ToString().ToLowerInvariant(),
                ["socket-directory"] = outcome.SocketDirectory,
                ["port"] = outcome.SocketDirectory is null ? null : outcome.Port,
                ["last-commit"] = Json.Moment(outcome.LastCommit),
                ["seconds"] = Math.Round(outcome.Took.TotalSeconds, 3),
            };
            DamageOutput.AddTo(json, plan.Backup);
            Json.Write(json);
            return;
        }

        var kept = outcome.KeptBytes > 0 ? $", {Texts.Size(outcome.KeptBytes)} were there already" : "";
        Console.WriteLine($"restored {directory} in {Texts.Span(outcome.Took)}{kept}");
        Console.WriteLine(outcome.End switch
        {
            null => NextStep(restore),
            RecoveryEnd.ShutDown => "The target is reached and the server has shut down, as asked. Remove recovery.signal or choose another target before the next start.",
            RecoveryEnd.Paused => $"The target is reached, the server is read-only and paused: psql -h {outcome.SocketDirectory} -p {outcome.Port}\nSELECT pg_wal_replay_resume() ends recovery there.",
            _ => $"The target is reached and the server takes writes: psql -h {outcome.SocketDirectory} -p {outcome.Port}",
        });
        if (outcome.SocketDirectory is not null)
        {
            Console.WriteLine($"It listens on that socket only. Its log: {Path.Combine(directory, "pitr-recovery.log")}.");
            Console.WriteLine($"For its normal settings stop it with `pg_ctl -D {directory} stop` and start it as usual.");
        }

        Damage(plan.Backup);
    }

    /// <summary>Warns of pages that were damaged when the backup was taken.</summary>
    public static void Damage(BackupDocument backup)
    {
        if (backup.DamagedPages > 0)
        {
            // Recovery may have brought some of them back whole; which ones, nobody knows before they are read.
            Console.Error.WriteLine(
                $"""
                DAMAGED: the backup holds {DamageOutput.Sentence(backup.DamagedPages, backup.Damage)}
                HINT: those that WAL has not written anew are damaged here, too: `pg_checksums --check` names them once the server is stopped; an older backup may hold them whole (--backup)
                """);
        }
    }

    // Debian keeps a cluster's configuration outside its data directory, so a restored one has none to start with.
    static string NextStep(PreparedRestore restore)
    {
        var (version, directory) = (restore.Plan.Backup.PostgresVersion / 10000, restore.Directory);
        var then = restore.Options.Standby ? "It follows as a standby." : $"It recovers to {restore.Plan.Target} by itself.";
        return File.Exists(Path.Combine(directory, "postgresql.conf"))
            ? $"Next: start PostgreSQL {version} on it, for example `pg_ctl -D {directory} start`. {then}"
            : $"Next: start PostgreSQL {version} on it. The directory has no postgresql.conf: put the cluster's configuration in place first "
                + $"(Debian: /etc/postgresql/VERSION/NAME, data_directory = '{directory}'){(restore.Options.Standby ? "" : ", or let `--start` write a small one")}. {then}";
    }

    /// <summary>The plan as `--dry-run --output json` prints it.</summary>
    public static JsonObject ToJson(PreparedRestore restore, RestoreEstimate? estimate)
    {
        var plan = restore.Plan;
        var json = new JsonObject
        {
            ["format"] = 1,
            ["service"] = plan.Backup.Service,
            ["target"] = plan.Target.ToString(),
            ["backup"] = plan.Backup.Id,
            ["backup-reason"] = plan.BackupReason,
            ["timelines"] = Json.Array(plan.Timelines, t => t.Value),
            ["first-wal"] = plan.FirstWal.ToString(),
            ["last-wal"] = plan.LastWal.ToString(),
            ["wal-segments"] = plan.WalSegments,
            ["last-commit"] = Json.Moment(plan.LastCommit),
            ["fetch-bytes"] = plan.FetchBytes,
            ["restored-bytes"] = plan.RestoredBytes,
            ["directory"] = restore.Directory,
            ["mode"] = restore.Options.Mode == RestoreMode.InPlace ? "in-place" : restore.Options.Mode.ToString().ToLowerInvariant(),
            ["written-packs"] = restore.WrittenPacks,
            ["tablespaces"] = Json.Array(restore.Tablespaces, t => new JsonObject
            {
                ["oid"] = t.Tablespace.Oid,
                ["from"] = t.Tablespace.Location,
                ["to"] = t.Target,
            }),
            ["standby"] = restore.Options.Standby,
            ["archive-off"] = restore.Options.ArchiveOff,
            ["space"] = Json.Array(restore.Space, s => new JsonObject { ["file-system-of"] = s.Place, ["needed-bytes"] = s.NeededBytes, ["available-bytes"] = s.AvailableBytes }),
            ["estimate"] = estimate is null ? null : new JsonObject
            {
                ["fetch-seconds"] = Math.Round(estimate.Fetch.TotalSeconds, 3),
                ["replay-seconds"] = Math.Round(estimate.Replay.TotalSeconds, 3),
                ["drills"] = Json.Array(estimate.Drills, d => d),
            },
            ["notes"] = Json.Array(plan.Notes, n => n),
        };
        DamageOutput.AddTo(json, plan.Backup);
        return json;
    }
}
