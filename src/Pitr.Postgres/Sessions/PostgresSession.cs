using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>
/// One connection to a server and the questions pitr asks it. Every failure is a <see cref="ServerException"/> with a hint; no text ever
/// holds the password. Not for use by several threads at once.
/// </summary>
public sealed class PostgresSession : IAsyncDisposable
{
    const string ApplicationName = "pitr";
    const string CommandTimeout = "Command Timeout";

    readonly NpgsqlConnection _connection;

    PostgresSession(NpgsqlConnection connection, string server)
    {
        _connection = connection;
        Server = server;
    }

    /// <summary>Host, port, database and user, for messages.</summary>
    public string Server { get; }

    /// <summary>The open connection, for callers with questions of their own.</summary>
    public NpgsqlConnection Connection => _connection;

    /// <param name="connectionString">As Npgsql reads it: <c>Host=…;Port=…;Username=…;Password=…;Database=…</c>. Never pooled.</param>
    /// <exception cref="ServerException">Malformed, or the server cannot be reached or refuses.</exception>
    public static Task<PostgresSession> OpenAsync(string connectionString, CancellationToken cancellationToken = default) => OpenAsync(connectionString, null, cancellationToken);

    /// <param name="connectionString">As for the other.</param>
    /// <param name="database">Goes to this database instead of that of the connection string; null for that.</param>
    /// <exception cref="ServerException">Malformed, or the server cannot be reached or refuses.</exception>
    public static async Task<PostgresSession> OpenAsync(string connectionString, string? database, CancellationToken cancellationToken)
    {
        var settings = ConnectionText.Parse(connectionString);
        settings.Database = database ?? settings.Database;
        settings.Pooling = false;
        settings.ApplicationName ??= ApplicationName;
        if (!settings.Keys.Contains(CommandTimeout))
        {
            // Npgsql's 30 s are less than a checkpoint or a look at a large database may take; callers cancel, and TCP notices a lost server.
            settings.CommandTimeout = 0;
            settings.TcpKeepAlive = true;
        }

        var server = ConnectionText.Describe(settings);
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return new PostgresSession(connection, server);
        }
        catch (NpgsqlException e)
        {
            await connection.DisposeAsync();
            throw SessionError.From(e, $"cannot connect to {server}");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="ServerException">The query failed.</exception>
    public async Task<ServerFacts> ReadFactsAsync(CancellationToken cancellationToken = default)
    {
        const string sql = """
            SELECT current_setting('server_version_num')::int,
                   (SELECT system_identifier FROM pg_control_system()),
                   CASE WHEN pg_is_in_recovery()
                        THEN greatest((SELECT min_recovery_end_timeline FROM pg_control_recovery()), (SELECT timeline_id FROM pg_control_checkpoint()))
                        ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
                   END,
                   (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
                   current_setting('block_size')::int,
                   current_setting('data_checksums') = 'on',
                   pg_is_in_recovery(),
                   (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
                   clock_timestamp(),
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text,
                   pg_postmaster_start_time()
            """;
        var rows = await QueryAsync(sql, [], ReadFacts, cancellationToken);
        return rows[0];
    }

    /// <summary>The settings of these names that exist and that the role may see, in no particular order.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public async Task<IReadOnlyDictionary<string, ServerSetting>> ReadSettingsAsync(
        IEnumerable<string> names,
        CancellationToken cancellationToken = default)
    {
        const string sql = "SELECT name, setting, unit, context, pending_restart, source FROM pg_settings WHERE name = ANY ($1)";
        var rows = await QueryAsync(
            sql,
            [new NpgsqlParameter { Value = names.ToArray() }],
            row => new ServerSetting(
                row.GetString(0),
                row.GetString(1),
                NullableString(row, 2),
                row.GetString(3),
                row.GetBoolean(4),
                row.GetString(5)),
            cancellationToken);
        return rows.ToDictionary(setting => setting.Name);
    }

    /// <inheritdoc cref="ReadSettingsAsync(IEnumerable{string}, CancellationToken)"/>
    public Task<IReadOnlyDictionary<string, ServerSetting>> ReadSettingsAsync(params string[] names) => ReadSettingsAsync(names, CancellationToken.None);

    /// <summary>Tablespaces besides the two that live in the data directory, by OID.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public async Task<IReadOnlyList<Tablespace>> ReadTablespacesAsync(CancellationToken cancellationToken = default)
    {
        const string sql = """
            SELECT oid, spcname, pg_tablespace_location(oid)
            FROM pg_tablespace
            WHERE spcname NOT IN ('pg_default', 'pg_global')
            ORDER BY oid
            """;
        return await QueryAsync(sql, [], row => new Tablespace(row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2)), cancellationToken);
    }

    /// <summary>Databases by OID, each with the transaction that inserted its row: another one when the OID is taken by another database.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ReadDatabasesAsync(CancellationToken cancellationToken = default)
    {
        var rows = await QueryAsync("SELECT oid::text, xmin::text FROM pg_database", [], row => (Oid: row.GetString(0), Transaction: row.GetString(1)), cancellationToken);
        return rows.ToDictionary(row => row.Oid, row => row.Transaction, StringComparer.Ordinal);
    }

    /// <summary>
    /// Ends the current WAL segment, so that it is archived, and returns its name. Writes a tiny record first: on an idle server a switch
    /// alone would do nothing and no new segment would ever come.
    /// </summary>
    /// <exception cref="ServerException">In recovery, or the role may not call pg_switch_wal().</exception>
    public async Task<WalSegmentName> SwitchWalAsync(CancellationToken cancellationToken = default)
    {
        await QueryAsync("SELECT pg_logical_emit_message(false, 'pitr', 'switch')::text", [], row => row.GetString(0), cancellationToken);
        const string sql = """
            SELECT lsn::text, pg_walfile_name(lsn), (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
            FROM pg_switch_wal() AS lsn
            """;
        var rows = await QueryAsync(sql, [], row => (Lsn.Parse(row.GetString(0)), WalSegmentName.Parse(row.GetString(1)), row.GetInt64(2)), cancellationToken);

        // The position is just behind the last record, which at the very end of a segment is the first byte of the next. What pg_walfile_name()
        // makes of such a position changed in PostgreSQL 17, so only the timeline is taken from it.
        var (end, named, segmentSize) = rows[0];
        return WalSegmentName.FromLsn(named.Timeline, new Lsn(end.Value - 1), WalSegmentSize.From((int)segmentSize));
    }

    /// <summary>ALTER SYSTEM SET; null resets. Takes effect after <see cref="ReloadAsync"/>, or a restart for settings that need one.</summary>
    /// <exception cref="ServerException">Unknown setting, value refused, or not a superuser.</exception>
    public async Task AlterSystemAsync(string name, string? value, CancellationToken cancellationToken = default)
    {
        var command = value is null
            ? $"ALTER SYSTEM RESET {SqlText.Identifier(name)}"
            : $"ALTER SYSTEM SET {SqlText.Identifier(name)} = {QuoteLiteral(value)}";
        await ExecuteAsync(command, cancellationToken);
    }

    /// <summary>Makes the server read its configuration files again.</summary>
    /// <exception cref="ServerException">The role may not.</exception>
    public async Task ReloadAsync(CancellationToken cancellationToken = default)
    {
        var rows = await QueryAsync("SELECT pg_reload_conf()", [], row => row.GetBoolean(0), cancellationToken);
        if (!rows[0])
        {
            throw new ServerException($"{Server}: the server could not be told to reload its configuration");
        }
    }

    /// <exception cref="ServerException">The query failed.</exception>
    public async Task<ArchiverState> ReadArchiverAsync(CancellationToken cancellationToken = default)
    {
        const string sql = """
            SELECT archived_count, last_archived_wal, last_archived_time, failed_count, last_failed_wal, last_failed_time, stats_reset
            FROM pg_stat_archiver
            """;
        var rows = await QueryAsync(
            sql,
            [],
            row => new ArchiverState(
                row.GetInt64(0),
                NullableString(row, 1),
                NullableTime(row, 2),
                row.GetInt64(3),
                NullableString(row, 4),
                NullableTime(row, 5),
                NullableTime(row, 6)),
            cancellationToken);
        return rows[0];
    }

    /// <summary>Bytes of all databases together.</summary>
    /// <exception cref="ServerException">The role may not see some database's size (it needs CONNECT or pg_read_all_stats).</exception>
    public async Task<long> DatabaseBytesAsync(CancellationToken cancellationToken = default)
    {
        var rows = await QueryAsync("SELECT sum(pg_database_size(oid))::bigint FROM pg_database", [], row => row.GetInt64(0), cancellationToken);
        return rows[0];
    }

    /// <summary>Whether the server recovers, how far it has come and whether it is paused.</summary>
    /// <exception cref="ServerException">The query failed; without <see cref="ServerException.SqlState"/> when the connection is gone.</exception>
    public async Task<ReplayState> ReadReplayAsync(CancellationToken cancellationToken = default)
    {
        const string sql = """
            SELECT pg_is_in_recovery(),
                   CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END,
                   pg_last_wal_replay_lsn()::text,
                   pg_last_xact_replay_timestamp()
            """;
        try
        {
            var rows = await QueryAsync(
                sql,
                [],
                row => new ReplayState(
                    row.GetBoolean(0),
                    NullableString(row, 1) == "paused",
                    NullableString(row, 2) is { } lsn ? Lsn.Parse(lsn) : null,
                    NullableTime(row, 3)),
                cancellationToken);
            return rows[0];
        }
        catch (ServerException e) when (e.SqlState == PostgresErrorCodes.ObjectNotInPrerequisiteState)
        {
            // Recovery ended between the two functions: asking how it is paused is an error from then on.
            return new ReplayState(InRecovery: false, IsPaused: false, LastReplayed: null, LastTransaction: null);
        }
    }

    /// <summary>Runs a command without a result.</summary>
    /// <exception cref="ServerException">It failed.</exception>
    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, _connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw SessionError.From(e, Server);
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    static ServerFacts ReadFacts(NpgsqlDataReader row) => new(
        VersionNumber: row.GetInt32(0),
        SystemIdentifier: unchecked((ulong)row.GetInt64(1)),
        Timeline: new Timeline(unchecked((uint)row.GetInt32(2))),
        WalSegmentSize: WalSegmentSize.From((int)row.GetInt64(3)),
        PageSize: row.GetInt32(4),
        DataChecksums: row.GetBoolean(5),
        InRecovery: row.GetBoolean(6),
        DataDirectory: NullableString(row, 7),
        Now: row.GetFieldValue<DateTimeOffset>(8),
        CurrentLsn: NullableString(row, 9) is { } lsn ? Lsn.Parse(lsn) : Lsn.Invalid,
        PostmasterStart: row.GetFieldValue<DateTimeOffset>(10));

    static string? NullableString(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    static DateTimeOffset? NullableTime(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);

    /// <summary>An E'' literal, which means the same whatever standard_conforming_strings says.</summary>
    static string QuoteLiteral(string value) =>
        $"E'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Runs a query and reads its rows.</summary>
    /// <exception cref="ServerException">It failed.</exception>
    internal async Task<List<T>> QueryAsync<T>(string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await ReadAsync(sql, parameters, row => rows.Add(read(row)), cancellationToken);
        return rows;
    }

    /// <summary>Runs a query whose rows are too many to be kept.</summary>
    /// <exception cref="ServerException">It failed, maybe after some rows.</exception>
    internal async Task ReadAsync(string sql, NpgsqlParameter[] parameters, Action<NpgsqlDataReader> take, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, _connection);
            command.Parameters.AddRange(parameters);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                take(reader);
            }
        }
        catch (NpgsqlException e)
        {
            throw SessionError.From(e, Server);
        }
    }
}
