using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Redis.InPlace;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr restore --in-place` of a service of kind redis.</summary>
/// <param name="backup">Which; null for the newest.</param>
/// <param name="removesOld">Whether the old data is removed in the end.</param>
/// <param name="rollsBack">Whether the old data is put back instead.</param>
/// <param name="dryRun">Whether to show the plan only.</param>
sealed class RedisInPlaceRun(BackupId? backup, bool removesOld, bool rollsBack, bool dryRun)
{
    public async Task<int> RunAsync(CommandContext context, DumpService service, AuditNotes notes, CancellationToken cancellation)
    {
        notes.ChangedNothing = dryRun;
        if (!dryRun)
        {
            RootRefusal.Require("files restored by root could not be read by Redis", "restore", "redis");
        }

        using var inPlace = await RedisInPlace.OpenAsync(service, cancellation);
        notes.Subject = inPlace.Directory;
        if (rollsBack)
        {
            return await RollBackAsync(context, service, inPlace, notes);
        }

        notes.Details["in-place"] = inPlace.Id;
        var (entry, manifest) = await inPlace.PlanAsync(backup, cancellation);
        notes.Details["backup"] = entry.Id;
        if (context.Output == OutputFormat.Text)
        {
            Print(service, inPlace, entry);
        }

        if (dryRun)
        {
            Finish(context, service, inPlace, entry, null, null);
            return ExitCodes.Success;
        }

        inPlace.Lock();
        await notes.BeginAsync(cancellation);
        var started = CommandContext.Clock.GetTimestamp();
        RedisInPlaceResult result;
        using (var display = new ProgressDisplay())
        {
            result = await inPlace.RunAsync(entry, manifest, new Forward<DumpProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)), cancellation);
            if (removesOld)
            {
                inPlace.RemoveOld(result);
                result = result with { Kept = [] };
            }
        }

        Finish(context, service, inPlace, entry, result, CommandContext.Clock.GetElapsedTime(started));
        return ExitCodes.Success;
    }

    async Task<int> RollBackAsync(CommandContext context, DumpService service, RedisInPlace inPlace, AuditNotes notes)
    {
        notes.Details["roll-back"] = "true";
        var journal = inPlace.RequireRollBack();
        if (dryRun)
        {
            Say(context, service, inPlace, [.. journal.Moves.Select(m => $"{m.Aside} would be {m.Place} again")]);
            return ExitCodes.Success;
        }

        inPlace.Lock();
        await notes.BeginAsync(CancellationToken.None);
        using var display = new ProgressDisplay();
        var said = await inPlace.RollBackAsync(new Forward<DumpProgress>(p => display.Show(p.Phase, p.Bytes, p.TotalBytes)));
        display.Clear();
        Say(context, service, inPlace, said);
        return ExitCodes.Success;
    }

    static void Say(CommandContext context, DumpService service, RedisInPlace inPlace, IReadOnlyList<string> said)
    {
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["format"] = 1, ["service"] = service.Name.Value, ["directory"] = inPlace.Directory, ["rolled-back"] = Json.Array(said, s => JsonValue.Create(s)) });
            return;
        }

        foreach (var sentence in said)
        {
            Console.WriteLine(sentence);
        }
    }

    void Print(DumpService service, RedisInPlace inPlace, DumpDocument entry)
    {
        var server = ((RedisSettings)service.Settings).Control;
        Console.WriteLine("Plan");
        Console.WriteLine($"  backup  {entry.Id}, {entry.Product} {entry.ServerVersion}, {Texts.Size(entry.Bytes)}, of {Texts.Moment(entry.Started)}");
        Console.WriteLine($"In place, the append-only file is {(inPlace.AppendOnly ? "on" : "off")}");
        Console.WriteLine($"  1. fetch the file to {inPlace.Directory}");
        Console.WriteLine($"  2. stop the server: {server.StopCommand}{(inPlace.ServerRuns ? "" : "   (it is down; nobody shall start it meanwhile)")}");
        var step = 2;
        foreach (var move in inPlace.Moves)
        {
            Console.WriteLine($"  {++step}. move {move.Place} to {move.Aside}");
        }

        Console.WriteLine($"  {++step}. put the file to {inPlace.Place}{(inPlace.AppendOnly ? ", as the base of the append-only file" : "")}");
        Console.WriteLine($"  {++step}. start the server: {server.StartCommand}; wait until it has loaded, and hold its keys against the backup's");
        Console.WriteLine($"  If a step fails, the old data is put back{(inPlace.ServerRuns ? " and the server started" : "; the server does not run now and is not started")}.");
        if (removesOld)
        {
            Console.WriteLine($"  {++step}. remove the old data");
        }
    }

    void Finish(CommandContext context, DumpService service, RedisInPlace inPlace, DumpDocument entry, RedisInPlaceResult? result, TimeSpan? took)
    {
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["service"] = service.Name.Value,
                ["kind"] = service.Kind,
                ["backup"] = entry.Id,
                ["dry-run"] = dryRun,
                ["in-place"] = inPlace.Id,
                ["directory"] = inPlace.Directory,
                ["append-only"] = inPlace.AppendOnly,
                ["place"] = inPlace.Place,
                ["moves"] = result is null ? Json.Array(inPlace.Moves, m => new JsonObject { ["from"] = m.Place, ["to"] = m.Aside }) : null,
                ["kept"] = result is null ? null : Json.Array(result.Kept, k => JsonValue.Create(k)),
                ["keys"] = result?.Keys,
                ["warnings"] = result is null ? null : Json.Array(result.Warnings, w => JsonValue.Create(w)),
                ["seconds"] = took?.TotalSeconds,
            });
            return;
        }

        if (result is null)
        {
            return;
        }

        Console.WriteLine($"restored in {Texts.Span(took!.Value)}; the server runs{(result.Keys is { } keys ? $" and has loaded {keys} keys" : "")}");
        foreach (var warning in result.Warnings)
        {
            Console.WriteLine($"  {warning}");
        }

        if (result.Kept.Count > 0)
        {
            Console.WriteLine($"  the old data is kept: {string.Join(", ", result.Kept)}");
            Console.WriteLine($"  back to it: pitr restore {service.Name} --in-place --roll-back; remove it: rm -r {string.Join(' ', result.Kept.Select(ShellText.Word))}");
        }
    }
}
