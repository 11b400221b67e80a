using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>
/// A service in the restore of a group whose server renames nothing: what is there is copied to another name and compared; only when all copies are whole is it removed, and the backup
/// restored in its place. The way back copies again, compares again, and removes the copies last.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="server">What is special about it.</param>
sealed class CopyingComponent(DumpService service, ICopyingServer server) : IComponentRestore
{
    /// <inheritdoc/>
    public async Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var preflight = new DumpPreflight(service);
        var (entry, manifest, why) = await preflight.ChooseAsync(until, cancellation);
        var present = await server.ListAsync(cancellation);
        var moves = new List<ComponentMove>();
        foreach (var name in manifest.Streams.SelectMany(server.NamesIn).Distinct(StringComparer.Ordinal))
        {
            var move = new ComponentMove(
                name, GroupNames.Of(name, "before", id, moves.Count), name, GroupNames.Of(name, "undone", id, moves.Count), await server.ExistsAsync(name, cancellation));
            moves.Add(await server.LookAsync(move, cancellation));
            // Under a name that nothing has, so that what is there is not in the way; all else is asked as ever.
            await using var target = server.OpenTarget();
            await new DumpRestore(service, target).PlanAsync(BackupId.Parse(entry.Id), new DumpSelection(name, move.Aside), cancellation);
        }

        if (moves.Count == 0)
        {
            throw new ImpossiblePlanException($"backup {entry.Id} of service {service.Name} holds no {server.Thing}; nothing was changed", "choose another moment with --target-time, or leave the service out with --component");
        }

        await preflight.ReadAsync(entry, manifest, progress, cancellation);
        string[] others = [.. present.Except(moves.Select(m => m.Place))];
        var record = new ComponentRecord { Service = service.Name.Value, Kind = service.Kind, Backup = entry.Id, Phase = ComponentPhase.Waiting, Moves = moves };
        return new ComponentPlan(record, entry.Started, entry.Bytes, why, [.. moves.Select(Step)])
        {
            Notes =
            [
                .. server.Notes(manifest),
                .. others.Length == 0 ? Array.Empty<string>() : [$"not in the backup, and left as {(others.Length == 1 ? "it is" : "they are")}: {string.Join(", ", others)}"],
            ],
        };
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(work);
        var moves = work.Record.Moves;
        work.Enter(ComponentPhase.Preparing);
        Tell(await server.SettleAsync(cancellation));
        foreach (var move in moves)
        {
            if (await server.ExistsAsync(move.Place, cancellation) != move.Existed)
            {
                throw new ConflictException(
                    $"{server.Thing} {move.Place} is {(move.Existed ? "gone" : "there")}, and was {(move.Existed ? "there" : "not")} when the plan was made; nothing of service {service.Name} was changed", "look at who did that, and try again");
            }
        }

        foreach (var move in moves.Where(m => m.Existed))
        {
            await server.CopyAsync(move.Place, move.Aside, Copying(work, move.Place, move.Aside), cancellation);
        }

        work.Enter(ComponentPhase.Restoring, server.GoesOn);
        try
        {
            await RestoreAsync(work, cancellation);
        }
        catch when (!server.IsUnanswered)
        {
            work.Enter(ComponentPhase.Restoring);
            throw;
        }

        work.Enter(ComponentPhase.Restored);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(record);
        var said = new List<string>(await server.SettleAsync(cancellation));
        foreach (var move in record.Moves.Where(m => m.Existed))
        {
            await server.RemoveAsync(move.Aside, cancellation);
            said.Add($"{server.Thing} {move.Aside} is removed");
        }

        return said;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored)
    {
        ArgumentNullException.ThrowIfNull(work);
        var said = new List<string>(await server.SettleAsync(CancellationToken.None));
        if (work.Record.Phase != ComponentPhase.Preparing)
        {
            await RequireCopiesAsync(work.Record);
        }

        if (work.Record.Phase is ComponentPhase.Restoring or ComponentPhase.Restored)
        {
            await KeepRestoredAsync(work, keepsRestored, said);
            // From here on what is in its place is worth nothing where there is a copy aside.
            work.Enter(ComponentPhase.Moving, work.Record.MayGoOn);
        }

        if (work.Record.Phase == ComponentPhase.Moving)
        {
            foreach (var move in work.Record.Moves.Reverse())
            {
                await PutBackAsync(work, move);
            }
        }

        said.AddRange(work.Record.Moves.Reverse().Select(m => m.Existed ? $"{server.Thing} {m.Place} is what it was" : $"there is no {server.Thing} {m.Place}, as before"));
        if (work.Record.MayGoOn)
        {
            said.AddRange(work.Record.Moves.Where(m => m.Existed).Select(m =>
                $"{m.Aside} stays, because the server may still have been at work on what it had been sent of {m.Place}: look at {m.Place} again when it has done or was started anew, then remove {m.Aside}"));
            return said;
        }

        // From here on the copies are worth nothing, whole or not.
        work.Enter(ComponentPhase.Preparing);
        foreach (var move in work.Record.Moves.Where(m => m.Existed))
        {
            await server.RemoveAsync(move.Aside, CancellationToken.None);
        }

        return said;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await service.DisposeAsync();
    }

    async Task RestoreAsync(ComponentWork work, CancellationToken cancellation)
    {
        foreach (var move in work.Record.Moves.Where(m => m.Existed))
        {
            work.Report($"removing {server.Thing} {move.Place}, which {move.Aside} is a copy of");
            await server.RemoveAsync(move.Place, cancellation);
        }

        await using (var target = server.OpenTarget())
        {
            var restore = new DumpRestore(service, target);
            var plan = await restore.PlanAsync(BackupId.Parse(work.Record.Backup), new DumpSelection(null, null), cancellation);
            Tell(await restore.RunAsync(plan, new RestoringProgress<DumpProgress>(work, p => new RestoreProgress($"{service.Name}: {p.Phase}", p.Bytes, p.TotalBytes)), cancellation));
        }

        foreach (var move in work.Record.Moves)
        {
            await server.CompleteAsync(move, cancellation);
        }
    }

    // Nothing is removed for a copy that somebody has removed.
    async Task RequireCopiesAsync(ComponentRecord record)
    {
        foreach (var move in record.Moves.Where(m => m.Existed))
        {
            if (!await server.ExistsAsync(move.Aside, CancellationToken.None))
            {
                throw new ConflictException($"{server.Thing} {move.Aside}, the copy of what was there before, is gone; nothing was changed", $"have one made of an older backup: pitr restore {service.Name} --database {move.Place} --into {move.Aside}");
            }
        }
    }

    // After it has been in use, what was written since is worth as much as the rest.
    async Task KeepRestoredAsync(ComponentWork work, bool keepsRestored, List<string> said)
    {
        foreach (var move in work.Record.Moves.Reverse())
        {
            if (keepsRestored && await server.ExistsAsync(move.Place, CancellationToken.None))
            {
                await server.CopyAsync(move.Place, move.Undone, Copying(work, move.Place, move.Undone), CancellationToken.None);
                said.Add($"the restored {move.Place} is kept as {move.Undone}, with everything that was written since");
            }
        }
    }

    async Task PutBackAsync(ComponentWork work, ComponentMove move)
    {
        if (move.Existed)
        {
            await server.CopyAsync(move.Aside, move.Place, Copying(work, move.Aside, move.Place), CancellationToken.None);
            await server.CompleteAsync(move, CancellationToken.None);
        }
        else
        {
            await server.RemoveAsync(move.Place, CancellationToken.None);
        }
    }

    Action<long, long> Copying(ComponentWork work, string from, string to) =>
        (bytes, total) => work.Progress?.Report(new RestoreProgress($"{service.Name}: copying {server.Thing} {from} to {to}", bytes, total));

    void Tell(IReadOnlyList<string> messages)
    {
        foreach (var message in messages)
        {
            service.Log.Information("{Message}", message);
        }
    }

    string Step(ComponentMove move) => move.Existed
        ? $"copy {server.Thing} {move.Place} to {move.Aside}, remove {move.Place} and restore it"
        : $"restore {server.Thing} {move.Place}, which is not there now";
}
