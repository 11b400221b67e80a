using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Restore;
using Pitr.Operations.Restore.InPlace;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;

namespace Pitr.Cli.Commands;

/// <summary>Prints what a restore in place will do and has done.</summary>
static class InPlaceOutput
{
    public static void Plan(OutputFormat format, InPlaceRestore inPlace, PostgresService service, PreparedRestore? prepared, RestoreEstimate? estimate, bool removesOld)
    {
        var server = service.Settings.Server;
        if (format == OutputFormat.Json)
        {
            var json = prepared is null ? new JsonObject { ["format"] = 1, ["service"] = service.Name.ToString(), ["directory"] = inPlace.Directory } : RestoreOutput.ToJson(prepared, estimate);
            json["in-place"] = new JsonObject
            {
                ["id"] = inPlace.Id,
                ["interrupted"] = inPlace.Interrupted?.Phase.ToString().ToLowerInvariant(),
                ["server-runs"] = inPlace.ServerRuns,
                ["stop-command"] = server.StopCommand,
                ["moves"] = Json.Array(inPlace.Moves, m => new JsonObject { ["from"] = m.Place, ["to"] = m.Aside }),
                ["start-command"] = server.StartCommand,
                ["removes-old"] = removesOld,
            };
            Json.Write(json);
            return;
        }

        if (prepared is not null)
        {
            RestoreOutput.Plan(OutputFormat.Text, prepared, estimate);
        }

        Console.WriteLine($"In place{(inPlace.Interrupted is { } journal ? $", going on with {journal.Id}, which was interrupted while {Doing(journal.Phase)}" : "")}");
        var number = 0;
        foreach (var step in Steps(inPlace, server.StopCommand!, server.StartCommand!, removesOld))
        {
            Console.WriteLine($"  {++number}. {step}");
        }

        Console.WriteLine($"  If a step fails, the old cluster is put back{(inPlace.Interrupted?.ServerRan ?? inPlace.ServerRuns ? " and started" : "; it does not run now and is not started")}.");
    }

    static IEnumerable<string> Steps(InPlaceRestore inPlace, string stop, string start, bool removesOld)
    {
        var phase = inPlace.Interrupted?.Phase ?? InPlacePhase.Stopping;
        if (phase == InPlacePhase.Stopping)
        {
            yield return $"stop the server: {stop}{(inPlace.ServerRuns ? "" : "   (it is down; nobody shall start it meanwhile)")}";
            yield return "archive what its pg_wal holds and no repository has";
        }

        foreach (var move in inPlace.Moves.Where(m => phase <= InPlacePhase.Moving && !Directory.Exists(m.Aside)))
        {
            yield return $"move {move.Place} to {move.Aside}";
        }

        if (phase <= InPlacePhase.Restoring)
        {
            yield return $"restore into {inPlace.Directory}{(inPlace.Wal is { } wal ? $", with pg_wal in {wal.Directory} as before" : "")}";
        }

        yield return $"start the server: {start}";
        yield return "wait until it has reached the target and accepts connections";
        if (removesOld)
        {
            yield return "remove what was moved";
        }
    }

    static string Doing(InPlacePhase phase) => phase switch
    {
        InPlacePhase.Stopping => "the server was stopped",
        InPlacePhase.Moving => "the old cluster was moved",
        InPlacePhase.Restoring => "files were restored",
        _ => "the new cluster recovered",
    };

    public static void Done(OutputFormat format, InPlaceRestore inPlace, PostgresService service, PreparedRestore? prepared, InPlaceResult result, TimeSpan took)
    {
        if (format == OutputFormat.Json)
        {
            var json = new JsonObject
            {
                ["format"] = 1,
                ["service"] = service.Name.ToString(),
                ["backup"] = prepared?.Plan.Backup.Id,
                ["directory"] = inPlace.Directory,
                ["in-place"] = inPlace.Id,
                ["recovery"] = result.End.ToString().ToLowerInvariant(),
                ["last-commit"] = Json.Moment(result.LastCommit),
                ["kept"] = Json.Array(result.Kept, k => k),
                ["left-wal"] = Json.Array(result.LeftWal, l => l),
                ["seconds"] = Math.Round(took.TotalSeconds, 3),
            };
            if (prepared is not null)
            {
                DamageOutput.AddTo(json, prepared.Plan.Backup);
            }

            Json.Write(json);
            return;
        }

        Console.WriteLine($"restored {inPlace.Directory} in place in {Texts.Span(took)}{(result.LastCommit is { } last ? $"; last transaction {Texts.Moment(last)}" : "")}");
        Console.WriteLine(result.End == RecoveryEnd.Paused
            ? "The target is reached, the server is read-only and paused. SELECT pg_wal_replay_resume() ends recovery there."
            : "The target is reached and the server takes writes. Take a backup soon: it is on a new timeline.");
        foreach (var left in result.LeftWal)
        {
            Console.WriteLine($"Of the old cluster's WAL {left}.");
        }

        if (result.Kept.Count > 0)
        {
            Console.WriteLine("The old cluster is kept. To go back to it:");
            Console.WriteLine($"  pitr restore {service.Name} {InPlaceRestore.Option} --roll-back");
            Console.WriteLine("When you do not need it any more:");
            Console.WriteLine($"  rm -rf {string.Join(' ', result.Kept.Append(InPlaceJournal.KeptPathOf(inPlace.Directory)).Select(ShellText.Word))}");
        }

        if (prepared is not null)
        {
            RestoreOutput.Damage(prepared.Plan.Backup);
        }
    }

    /// <param name="format">Text or JSON.</param>
    /// <param name="inPlace">One that can be rolled back.</param>
    /// <param name="stop">The server's stop command.</param>
    /// <param name="start">Its start command.</param>
    public static void RollBackPlan(OutputFormat format, InPlaceRestore inPlace, string stop, string start)
    {
        var journal = inPlace.Interrupted ?? inPlace.Kept!;
        var moved = journal.Moves.Where(m => Directory.Exists(m.Aside)).ToArray();
        if (format == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["directory"] = inPlace.Directory,
                ["in-place"] = journal.Id,
                ["succeeded"] = inPlace.Interrupted is null,
                ["moves-back"] = Json.Array(moved, m => new JsonObject { ["from"] = m.Aside, ["to"] = m.Place }),
                ["starts-server"] = journal.ServerRan,
            });
            return;
        }

        Console.WriteLine(inPlace.Interrupted is null
            ? $"Restore in place {journal.Id} succeeded. Rolling it back:"
            : $"Restore in place {journal.Id} was interrupted while {(journal.IsRollingBack ? "the old cluster was put back" : Doing(journal.Phase))}. Rolling it back:");
        if (inPlace.Interrupted is null)
        {
            Console.WriteLine($"  stop the server: {stop}");
            Console.WriteLine("  archive what its pg_wal holds and no repository has");
            foreach (var place in moved.Select(m => m.Place).Concat(journal.Made).Where(Directory.Exists))
            {
                Console.WriteLine($"  move {place} to {journal.Failed(place)}, with everything that was written since");
            }
        }

        foreach (var move in moved)
        {
            Console.WriteLine($"  move {move.Aside} back to {move.Place}");
        }

        Console.WriteLine(journal.ServerRan ? $"  start the old server: {start}" : "  leave the server down, as it was");
    }

    public static void RolledBack(OutputFormat format, InPlaceRestore inPlace, IReadOnlyList<string> said)
    {
        if (format == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["directory"] = inPlace.Directory, ["in-place"] = inPlace.Id, ["rolled-back"] = Json.Array(said, s => s) });
            return;
        }

        Console.WriteLine($"rolled back: {string.Join("; ", said)}");
    }
}
