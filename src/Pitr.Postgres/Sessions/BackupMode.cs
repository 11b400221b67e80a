using Npgsql;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>
/// Backup mode of a running server, as long as its files are read (pg_backup_start() and pg_backup_stop(); until PostgreSQL 14 pg_start_backup() and
/// pg_stop_backup(), not exclusive). It ends with the session, too: nothing is left behind by a program that is killed.
/// </summary>
public static class BackupMode
{
    const int Renamed = 15;

    /// <summary>Whether the role may begin and end it.</summary>
    /// <exception cref="ServerException">The question failed.</exception>
    public static async Task<bool> MayAsync(PostgresSession session, CancellationToken cancellation)
    {
        const string sql = """
            SELECT bool_and(has_function_privilege(oid, 'EXECUTE'))
            FROM pg_proc
            WHERE pronamespace = 'pg_catalog'::regnamespace
              AND (proname IN ('pg_backup_start', 'pg_backup_stop') OR (proname IN ('pg_start_backup', 'pg_stop_backup') AND pronargs > 1))
            """;
        return (await session.QueryAsync(sql, [], row => row.GetBoolean(0), cancellation))[0];
    }

    /// <summary>Makes a checkpoint at once and begins.</summary>
    /// <param name="session">Has to stay open until <see cref="StopAsync"/>.</param>
    /// <param name="facts">About its server.</param>
    /// <param name="label">At most 1024 bytes, without line breaks.</param>
    /// <param name="cancellation">Gives up; may take as long as a checkpoint.</param>
    /// <returns>Where replay must begin.</returns>
    /// <exception cref="ServerException">The role may not (it needs EXECUTE on the function), or the server cannot.</exception>
    public static async Task<Lsn> StartAsync(PostgresSession session, ServerFacts facts, string label, CancellationToken cancellation)
    {
        var sql = facts.MajorVersion >= Renamed ? "SELECT pg_backup_start($1, true)::text" : "SELECT pg_start_backup($1, true, false)::text";
        var rows = await session.QueryAsync(sql, [new NpgsqlParameter { Value = label }], row => Lsn.Parse(row.GetString(0)), cancellation);
        return rows[0];
    }

    /// <summary>Ends it; does not wait until its WAL is archived.</summary>
    /// <exception cref="ServerException">The mode is over already: the server was restarted, or promoted meanwhile.</exception>
    public static async Task<BackupModeEnd> StopAsync(PostgresSession session, ServerFacts facts, CancellationToken cancellation)
    {
        var function = facts.MajorVersion >= Renamed ? "pg_backup_stop(false)" : "pg_stop_backup(false, false)";
        var rows = await session.QueryAsync(
            $"SELECT lsn::text, labelfile, clock_timestamp() FROM {function}",
            [],
            row => new BackupModeEnd(Lsn.Parse(row.GetString(0)), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2)),
            cancellation);
        return rows[0];
    }
}
