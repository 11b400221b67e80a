using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>
/// Method <c>direct</c>: the files are read where they are, from the data directory and every tablespace, by several readers at once, from a primary or a standby.
/// </summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="session">Open to its server until the end; backup mode lasts as long as it does.</param>
/// <param name="facts">About the server.</param>
/// <param name="label">The backup's label.</param>
sealed class DirectSource(PostgresService service, PostgresSession session, ServerFacts facts, string label) : IClusterSource
{
    // SQLSTATEs of sessions that are ended by a shutdown, a crash or a person (57P01 to 57P05).
    const string OperatorIntervention = "57P";

    BackupModeEnd? _end;
    Timeline _timeline;

    /// <summary>Why the files cannot be read on this host; null if they can, as far as it is known before.</summary>
    public static async Task<string?> ObstacleAsync(PostgresService service, PostgresSession session, ServerFacts facts, CancellationToken cancellation) =>
        Obstacle(service, facts) ?? (await BackupMode.MayAsync(session, cancellation)
            ? null
            : $"the role may not begin a backup (GRANT EXECUTE ON FUNCTION {(facts.MajorVersion >= 15 ? "pg_backup_start, pg_backup_stop" : "pg_start_backup(text, bool, bool), pg_stop_backup(bool, bool)")} to it)");

    static string? Obstacle(PostgresService service, ServerFacts facts)
    {
        if (Directory(service, facts) is not { } directory)
        {
            return "the role may not see data_directory, and the configuration does not name it";
        }

        try
        {
            var found = ControlFile.ReadFrom(directory).SystemIdentifier;
            return found != facts.SystemIdentifier ? $"{directory} is of another cluster ({found}, not {facts.SystemIdentifier})"
                : !File.Exists(Path.Combine(directory, "postmaster.pid")) ? $"no server runs in {directory} on this host"
                : null;
        }
        catch (ServerException e)
        {
            return e.Message;
        }
    }

    static string? Directory(PostgresService service, ServerFacts facts) => facts.DataDirectory ?? service.Settings.DataDirectory;

    /// <inheritdoc/>
    public async Task ReadAsync(BackupTarget target, CancellationToken cancellation)
    {
        var directory = Directory(service, facts)!;
        var start = await BackupMode.StartAsync(session, facts, label, cancellation);
        var control = ControlFile.ReadFrom(directory);
        if (control.RedoLsn < start)
        {
            throw new ImpossiblePlanException(
                $"{directory} is not the data directory of {session.Server}: its last checkpoint began at {control.RedoLsn}, the backup begins at {start}",
                "set data-directory and connection to the same server, or backup.method: stream");
        }

        _timeline = (await session.ReadFactsAsync(cancellation)).Timeline;
        await target.BeginAsync(start, _timeline, cancellation);
        if (target.Assembly.Basis is { } basis)
        {
            target.Assembly.Changes = await new SummaryReader(service, session, facts).ReadAsync(basis, start, _timeline, cancellation);
        }

        var reader = new DirectBackupReader(service, directory, target.Assembly);
        await reader.ReadAsync(control, cancellation);
        await reader.ReadControlFileAsync(cancellation);
        _end = await StopAsync(cancellation);
        await reader.AddLabelAsync(_end.Label, cancellation);
    }

    async Task<BackupModeEnd> StopAsync(CancellationToken cancellation)
    {
        try
        {
            return await BackupMode.StopAsync(session, facts, cancellation);
        }
        catch (ServerException e) when (e.SqlState is null || e.SqlState.StartsWith(OperatorIntervention, StringComparison.Ordinal))
        {
            throw new ServerException(
                $"the session that held the server in backup mode is gone: {e.Message}",
                "look into the server's log; when the server runs again, take the backup again: it goes on from where this one was interrupted",
                e);
        }
    }

    /// <inheritdoc/>
    public Task<BackupPositions> FindPositionsAsync(CancellationToken cancellation)
    {
        var end = _end ?? throw new InvalidOperationException("the files were not read");
        var parsed = BackupLabel.Parse(end.Label);
        return parsed.StartTimeline == _timeline
            ? Task.FromResult(new BackupPositions(parsed, end.StopLsn, WalSegmentName.FromLsn(_timeline, new Lsn(end.StopLsn.Value - 1), facts.WalSegmentSize), end.Time))
            : throw new ServerException($"the server changed from timeline {parsed.StartTimeline} to {_timeline} while the backup began", "take it again");
    }
}
