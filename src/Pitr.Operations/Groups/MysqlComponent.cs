using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps;
using Pitr.Operations.Dumps.Mysql;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>
/// A service of kind mysql in the restore of a group. Databases of MySQL and MariaDB cannot be renamed: the tables are, into a database that keeps them; views, triggers,
/// routines and events are kept in a file. Then the backup is restored under the name that is free.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="settings">Its settings.</param>
sealed class MysqlComponent(DumpService service, MysqlSettings settings) : IComponentRestore
{
    readonly MysqlTarget _target = new(settings);
    readonly MysqlDatabaseMove _move = new(new MysqlTools(settings));

    DumpRestore Restore => new(service, _target);

    /// <inheritdoc/>
    public async Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var preflight = new DumpPreflight(service);
        var (entry, manifest, why) = await preflight.ChooseAsync(until, cancellation);
        var moves = new List<ComponentMove>();
        var bytes = 0L;
        foreach (var database in manifest.Streams.Where(s => s.Database is not null).Select(s => s.Database!))
        {
            var move = await PlanAsync(database, id, moves.Count, cancellation);
            moves.Add(move);
            // Under a name that nothing has, so that what is there is not in the way; all else is asked as ever.
            bytes += (await Restore.PlanAsync(BackupId.Parse(entry.Id), new DumpSelection(database, move.Aside), cancellation)).Bytes;
        }

        await preflight.ReadAsync(entry, manifest, progress, cancellation);
        var record = new ComponentRecord { Service = service.Name.Value, Kind = service.Kind, Backup = entry.Id, Phase = ComponentPhase.Waiting, Moves = moves };
        return new ComponentPlan(record, entry.Started, bytes, why, [.. moves.Select(Step)])
        {
            Notes = ["users and grants stay as they are; pitr restore --globals brings back those that are missing"],
        };
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        var moves = work.Record.Moves;
        work.Enter(ComponentPhase.Preparing);
        foreach (var move in moves.Where(m => !m.Existed))
        {
            await RequireAbsentAsync(move.Place, cancellation);
        }

        foreach (var move in moves.Where(m => m.Existed))
        {
            work.Report($"looking whether database {move.Place} could be made anew");
            await _move.ProbeAsync(move.Place, move.Aside, cancellation);
            await _move.SaveCodeAsync(move.Place, move.Code!, cancellation);
        }

        work.Enter(ComponentPhase.Moving);
        foreach (var move in moves.Where(m => m.Existed))
        {
            work.Report($"moving database {move.Place} to {move.Aside}");
            await _move.MakeAsync(move.Aside, move.CharacterSet, move.Collation, cancellation);
            await _move.MoveTablesAsync(move.Place, move.Aside, cancellation);
            await _move.DropEmptyAsync(move.Place, cancellation);
        }

        work.Enter(ComponentPhase.Restoring);
        foreach (var move in moves)
        {
            var plan = await Restore.PlanAsync(BackupId.Parse(work.Record.Backup), new DumpSelection(move.Place, null), cancellation);
            await Restore.RunAsync(plan, new RestoringProgress<DumpProgress>(work, p => new RestoreProgress($"{service.Name}: {p.Phase}", p.Bytes, p.TotalBytes)), cancellation);
        }

        work.Enter(ComponentPhase.Restored);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation)
    {
        foreach (var move in record.Moves.Where(m => m.Existed))
        {
            await _move.DropAsync(move.Aside, cancellation);
            RemoveCode(move);
        }

        return [.. record.Moves.Where(m => m.Existed).Select(m => $"database {m.Aside} is removed")];
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored)
    {
        var said = new List<string>();
        foreach (var database in work.Record.Moves.SelectMany(m => new[] { m.Place, m.Aside }))
        {
            await _move.EndSessionsAsync(database, CancellationToken.None);
        }

        if (work.Record.Phase is ComponentPhase.Restoring or ComponentPhase.Restored)
        {
            foreach (var move in work.Record.Moves.Reverse())
            {
                await PutAwayAsync(move, keepsRestored, said);
            }

            // From here on a table that is in its place is one of the old ones.
            work.Enter(ComponentPhase.Moving);
        }

        foreach (var move in work.Record.Moves.Reverse())
        {
            if (move.Existed && work.Record.Phase == ComponentPhase.Moving)
            {
                await PutBackAsync(move);
            }

            said.Add(move.Existed ? $"database {move.Place} is what it was" : $"there is no database {move.Place}, as before");
        }

        foreach (var move in work.Record.Moves.Where(m => m.Existed))
        {
            if (work.Record.Phase == ComponentPhase.Preparing)
            {
                // Whatever is there came from trying out, and has no row.
                await _move.DropAsync(move.Aside, CancellationToken.None);
            }

            RemoveCode(move);
        }

        return said;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _target.DisposeAsync();
        await service.DisposeAsync();
    }

    async Task<ComponentMove> PlanAsync(string database, string id, int number, CancellationToken cancellation)
    {
        var found = await _move.FindAsync(database, cancellation);
        var code = Path.Combine(GroupJournal.DirectoryOf(service.Configuration.StateDirectory), id, $"{service.Name}-{number}.sql");
        var move = new ComponentMove(database, GroupNames.Of(database, "before", id, number), database, GroupNames.Of(database, "undone", id, number), found is not null)
        {
            CharacterSet = found?.CharacterSet, Collation = found?.Collation, Code = code,
        };
        await RequireAbsentAsync(move.Aside, cancellation);
        if (found is not null)
        {
            if (await _move.ForeignKeysAsync(database, cancellation) is { Count: > 0 } keys)
            {
                throw new ConflictException(
                    $"database {database} has foreign keys to or from others, which would follow its tables aside: {string.Join(", ", keys)}; nothing was changed",
                    "drop them and make them again afterwards, or restore under another name: pitr restore --into");
            }

            await _move.SaveCodeAsync(database, path: null, cancellation);
        }

        return move;
    }

    async Task RequireAbsentAsync(string database, CancellationToken cancellation)
    {
        if (await _move.FindAsync(database, cancellation) is not null)
        {
            throw new ConflictException($"database {database} is there, and was not when the plan was made; nothing of service {service.Name} was changed", "look at whose it is, and try again");
        }
    }

    // After it has been in use, what was written since is worth as much as a database.
    async Task PutAwayAsync(ComponentMove move, bool keepsRestored, List<string> said)
    {
        if (await _move.FindAsync(move.Place, CancellationToken.None) is not { } present)
        {
            return;
        }

        if (keepsRestored)
        {
            var code = $"{move.Code}.undone";
            if (!File.Exists(code))
            {
                await _move.SaveCodeAsync(move.Place, code, CancellationToken.None);
            }

            await _move.MakeAsync(move.Undone, present.CharacterSet, present.Collation, CancellationToken.None);
            await _move.MoveTablesAsync(move.Place, move.Undone, CancellationToken.None);
            await _move.DropEmptyAsync(move.Place, CancellationToken.None);
            said.Add($"the tables of the restored one are kept in {move.Undone}, with everything that was written since, its views, triggers, routines and events in {code}");
            return;
        }

        await _move.DropAsync(move.Place, CancellationToken.None);
    }

    async Task PutBackAsync(ComponentMove move)
    {
        await _move.MakeAsync(move.Place, move.CharacterSet, move.Collation, CancellationToken.None);
        var isAside = await _move.FindAsync(move.Aside, CancellationToken.None) is not null;
        if (isAside)
        {
            await _move.MoveTablesAsync(move.Aside, move.Place, CancellationToken.None);
        }

        await _move.ReplayCodeAsync(move.Place, move.Code!, CancellationToken.None);
        if (isAside)
        {
            await _move.DropEmptyAsync(move.Aside, CancellationToken.None);
        }
    }

    static void RemoveCode(ComponentMove move)
    {
        var directory = Path.GetDirectoryName(move.Code!)!;
        if (Directory.Exists(directory))
        {
            File.Delete(move.Code!);
            if (!Directory.EnumerateFileSystemEntries(directory).Any())
            {
                Directory.Delete(directory);
            }
        }
    }

    static string Step(ComponentMove move) => move.Existed
        ? $"move the tables of database {move.Place} to {move.Aside} (its views, triggers, routines and events to {move.Code}), restore {move.Place}"
        : $"restore database {move.Place}, which is not there now";
}
