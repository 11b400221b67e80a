using Npgsql;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Postgres;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Groups;

/// <summary>
/// A service of kind postgres-dump in the restore of a group: every database is restored beside the one that is there, and the two are exchanged by renaming. Until then
/// nothing of what is there has been touched.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="settings">Its settings.</param>
sealed class PostgresDumpComponent(DumpService service, PostgresDumpSettings settings) : IComponentRestore
{
    readonly PostgresDumpTarget _target = new(settings, service);
    readonly List<DumpRestorePlan> _plans = [];

    DumpRestore Restore => new(service, _target);

    /// <inheritdoc/>
    public async Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var preflight = new DumpPreflight(service);
        var (entry, manifest, why) = await preflight.ChooseAsync(until, cancellation);
        var databases = manifest.Streams.Where(s => s.Database is not null).Select(s => s.Database!).ToArray();
        var moves = new List<ComponentMove>();
        await using (var session = await OpenAsync(databases, cancellation))
        {
            foreach (var (database, number) in databases.Select((d, i) => (d, i)))
            {
                var move = new ComponentMove(
                    database, GroupNames.Of(database, "before", id, number), GroupNames.Of(database, "new", id, number), GroupNames.Of(database, "undone", id, number),
                    await DatabaseSwap.ExistsAsync(session, database, cancellation));
                if (move.Existed && await DatabaseSwap.WhyNotAsync(session, database, cancellation) is { } reason)
                {
                    throw new ConflictException($"database {database} on {session.Server} cannot be kept under another name: {reason}; nothing was changed", "or restore it under another name: pitr restore --into");
                }

                moves.Add(move);
                _plans.Add(await Restore.PlanAsync(BackupId.Parse(entry.Id), new DumpSelection(database, move.Beside), cancellation));
            }
        }

        await preflight.ReadAsync(entry, manifest, progress, cancellation);
        var record = new ComponentRecord { Service = service.Name.Value, Kind = service.Kind, Backup = entry.Id, Phase = ComponentPhase.Waiting, Moves = moves };
        return new ComponentPlan(record, entry.Started, _plans.Sum(p => p.Bytes), why, [.. moves.Select(Step)])
        {
            Notes = ["roles and their passwords stay as they are: they belong to the whole server"],
        };
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        var moves = work.Record.Moves;
        work.Enter(ComponentPhase.Preparing);
        foreach (var plan in _plans)
        {
            var progress = new RestoringProgress<DumpProgress>(work, p => new RestoreProgress($"{service.Name}: {p.Phase}", p.Bytes, p.TotalBytes));
            foreach (var message in await Restore.RunAsync(plan, progress, cancellation))
            {
                service.Log.Information("{Message}", message);
            }
        }

        await using var session = await OpenAsync(moves.Select(m => m.Place), cancellation);
        foreach (var move in moves.Where(m => m.Existed))
        {
            await DatabaseSwap.CopyPropertiesAsync(session, move.Place, move.Beside, cancellation);
        }

        work.Enter(ComponentPhase.Moving);
        foreach (var move in moves)
        {
            work.Report($"exchanging database {move.Place}");
            if (move.Existed)
            {
                // Closed: nobody writes into it by mistake, and a dump of every database passes it over.
                await DatabaseSwap.RenameAsync(session, move.Place, move.Aside, isOpen: false, cancellation);
            }

            await DatabaseSwap.RenameAsync(session, move.Beside, move.Place, isOpen: true, cancellation);
        }

        work.Enter(ComponentPhase.Restored);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation)
    {
        await using var session = await OpenAsync(record.Moves.Select(m => m.Place), cancellation);
        foreach (var move in record.Moves.Where(m => m.Existed))
        {
            await DatabaseSwap.DropAsync(session, move.Aside, cancellation);
        }

        return [.. record.Moves.Where(m => m.Existed).Select(m => $"database {m.Aside} is removed")];
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored)
    {
        var said = new List<string>();
        await using var session = await OpenAsync(work.Record.Moves.Select(m => m.Place), CancellationToken.None);
        foreach (var move in work.Record.Moves.Reverse())
        {
            var isExchanged = move.Existed
                ? await DatabaseSwap.ExistsAsync(session, move.Aside)
                // Nothing was there: what is there now came from beside, if that has gone.
                : work.Record.Phase >= ComponentPhase.Moving && !await DatabaseSwap.ExistsAsync(session, move.Beside);
            if (isExchanged && await DatabaseSwap.ExistsAsync(session, move.Place))
            {
                await PutAwayAsync(session, move, keepsRestored, said);
            }

            if (move.Existed && isExchanged)
            {
                await DatabaseSwap.RenameAsync(session, move.Aside, move.Place, isOpen: true);
            }
            else if (move.Existed && work.Record.Phase >= ComponentPhase.Moving)
            {
                await DatabaseSwap.SetOpenAsync(session, move.Place, isOpen: true);
            }

            await DatabaseSwap.DropAsync(session, move.Beside);
            said.Add(move.Existed ? $"database {move.Place} is what it was" : $"there is no database {move.Place}, as before");
        }

        return said;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _target.DisposeAsync();
        await service.DisposeAsync();
    }

    static async Task PutAwayAsync(PostgresSession session, ComponentMove move, bool keepsRestored, List<string> said)
    {
        if (keepsRestored)
        {
            await DatabaseSwap.RenameAsync(session, move.Place, move.Undone, isOpen: false);
            said.Add($"the restored one is kept as {move.Undone}, with everything that was written since");
        }
        else
        {
            await DatabaseSwap.DropAsync(session, move.Place);
        }
    }

    static string Step(ComponentMove move) => move.Existed
        ? $"restore database {move.Place} as {move.Beside}, rename {move.Place} to {move.Aside} and {move.Beside} to {move.Place}"
        : $"restore database {move.Place}, which is not there now";

    // A database cannot be renamed from inside. template1 is never dumped.
    Task<PostgresSession> OpenAsync(IEnumerable<string> places, CancellationToken cancellation)
    {
        string?[] candidates = [new NpgsqlConnectionStringBuilder(settings.Connection).Database, "postgres", "template1"];
        return PostgresSession.OpenAsync(settings.RevealConnection(), candidates.First(name => name is not null && !places.Contains(name)), cancellation);
    }
}
