using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Replication;

/// <summary>Physical replication slots, through an ordinary session (PostgreSQL documentation, "pg_replication_slots").</summary>
public static class ReplicationSlots
{
    /// <summary>The slot of this name; null when there is none.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<ReplicationSlot?> FindAsync(PostgresSession session, string name, CancellationToken cancellationToken = default)
    {
        const string sql = """
            SELECT slot_type = 'physical', temporary, active_pid, restart_lsn::text, wal_status, safe_wal_size
            FROM pg_replication_slots WHERE slot_name = $1
            """;
        var rows = await session.QueryAsync(
            sql,
            [new NpgsqlParameter { Value = name }],
            row => new ReplicationSlot(
                name,
                row.GetBoolean(0),
                row.GetBoolean(1),
                row.IsDBNull(2) ? null : row.GetInt32(2),
                row.IsDBNull(3) ? null : Lsn.Parse(row.GetString(3)),
                row.IsDBNull(4) ? null : row.GetString(4),
                row.IsDBNull(5) ? null : row.GetInt64(5)),
            cancellationToken);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>Creates a slot that keeps WAL from now on.</summary>
    /// <exception cref="ServerException">It exists, max_replication_slots is reached, or the role may not.</exception>
    public static async Task CreateAsync(PostgresSession session, string name, CancellationToken cancellationToken = default) =>
        await session.QueryAsync(
            "SELECT slot_name::text FROM pg_create_physical_replication_slot($1, true)",
            [new NpgsqlParameter { Value = name }],
            row => row.GetString(0),
            cancellationToken);

    /// <summary>How the stream of a slot is doing, as the server sees it; null when the slot is gone.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<StreamStatus?> ReadStatusAsync(PostgresSession session, string name, CancellationToken cancellationToken = default)
    {
        // The server calls every stream async that has not confirmed anything yet.
        const string sql = """
            SELECT r.restart_lsn::text, r.wal_status, r.safe_wal_size, CASE WHEN s.flush_lsn IS NOT NULL THEN s.sync_state END,
                   (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_flush_lsn() END)::text,
                   current_setting('synchronous_standby_names'),
                   (SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size')
            FROM pg_replication_slots r LEFT JOIN pg_stat_replication s ON s.pid = r.active_pid
            WHERE r.slot_name = $1
            """;
        var rows = await session.QueryAsync(
            sql,
            [new NpgsqlParameter { Value = name }],
            row => new StreamStatus(
                row.IsDBNull(0) ? null : Lsn.Parse(row.GetString(0)),
                row.IsDBNull(1) ? null : row.GetString(1),
                row.IsDBNull(2) ? null : row.GetInt64(2),
                row.IsDBNull(3) ? null : row.GetString(3),
                row.IsDBNull(4) ? null : Lsn.Parse(row.GetString(4)),
                row.GetString(5),
                row.IsDBNull(6) || row.GetInt64(6) < 0 ? null : row.GetInt64(6) << 20),
            cancellationToken);
        return rows.Count == 0 ? null : rows[0];
    }
}
