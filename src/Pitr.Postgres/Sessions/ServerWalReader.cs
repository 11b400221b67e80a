using System.Globalization;
using Npgsql;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>Asks a server about the WAL it writes and keeps: positions, pg_stat_archiver, pg_replication_slots, and the settings that bound them.</summary>
/// <param name="session">An open session of a role that may read these; all but pg_ls_waldir() are open to every role.</param>
public sealed class ServerWalReader(PostgresSession session)
{
    const string Position = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text";

    /// <summary>Reads everything.</summary>
    /// <exception cref="ServerException">A query failed.</exception>
    public async Task<ServerWal> ReadAsync(CancellationToken cancellationToken = default)
    {
        var settings = await session.ReadSettingsAsync(["archive_mode", "archive_timeout", "max_slot_wal_keep_size", "max_wal_size"], cancellationToken);
        var archiver = await session.ReadArchiverAsync(cancellationToken);
        var slots = await QueryAsync(
            "SELECT slot_name::text, slot_type, active, restart_lsn::text, wal_status, safe_wal_size FROM pg_replication_slots ORDER BY slot_name",
            row => new ReplicationSlot(
                row.GetString(0),
                row.GetString(1),
                row.GetBoolean(2),
                row.IsDBNull(3) ? null : Lsn.Parse(row.GetString(3)),
                row.IsDBNull(4) ? null : row.GetString(4),
                row.IsDBNull(5) ? null : row.GetInt64(5)),
            cancellationToken);
        var (now, position, inRecovery) = (await QueryAsync(
            $"SELECT clock_timestamp(), {Position}, pg_is_in_recovery()",
            row => (row.GetFieldValue<DateTimeOffset>(0), row.IsDBNull(1) ? Lsn.Invalid : Lsn.Parse(row.GetString(1)), row.GetBoolean(2)),
            cancellationToken))[0];
        var keep = Number(settings["max_slot_wal_keep_size"]);
        return new ServerWal(
            now,
            position,
            inRecovery,
            settings["archive_mode"].Value,
            archiver,
            slots,
            keep < 0 ? null : keep << 20,
            Number(settings["max_wal_size"]) << 20,
            TimeSpan.FromSeconds(Number(settings["archive_timeout"])));
    }

    /// <summary>Bytes of all files in pg_wal, for a server whose files this host does not see.</summary>
    /// <exception cref="ServerException">The role may not (pg_monitor), or the query failed.</exception>
    public async Task<long> ReadPgWalBytesAsync(CancellationToken cancellationToken = default) =>
        (await QueryAsync("SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()", row => row.GetInt64(0), cancellationToken))[0];

    /// <summary>The files that wait for the archiver, as archive_status names them, each with the time since when.</summary>
    /// <exception cref="ServerException">The role may not (pg_monitor), or the query failed.</exception>
    public async Task<IReadOnlyList<(string Name, DateTimeOffset Since)>> ReadReadyAsync(CancellationToken cancellationToken = default) => await QueryAsync(
        "SELECT left(name, -6), modification FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready' ORDER BY name",
        row => (row.GetString(0), row.GetFieldValue<DateTimeOffset>(1)),
        cancellationToken);

    // These settings are integers in MB or seconds.
    static long Number(ServerSetting setting) => long.Parse(setting.Value, CultureInfo.InvariantCulture);

    async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, session.Connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var rows = new List<T>();
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(read(reader));
            }

            return rows;
        }
        catch (NpgsqlException e)
        {
            throw SessionError.From(e, session.Server);
        }
    }
}
