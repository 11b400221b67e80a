using Npgsql;
using NpgsqlTypes;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>Asks a database what pg_dump would find in it.</summary>
public static class DumpCatalog
{
    // The kinds that pg_dump's --table takes, without those of the system and of sessions.
    const string Relations =
        """
        SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text,
               CASE WHEN c.relkind IN ('r', 'm', 'S') THEN pg_table_size(c.oid) ELSE 0 END::bigint,
               c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        """;

    const string Order = " ORDER BY n.nspname, c.relname";

    /// <summary>Names of the databases that people use.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<string>> ReadDatabasesAsync(PostgresSession session, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return await session.QueryAsync("SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname", [], row => row.GetString(0), cancellationToken);
    }

    /// <summary>A role that may read and change everything; null when none can log in.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<string?> FindSuperuserAsync(PostgresSession session, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        var rows = await session.QueryAsync("SELECT rolname::text FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1", [], row => row.GetString(0), cancellationToken);
        return rows.SingleOrDefault();
    }

    /// <summary>What a pattern of pg_dump's <c>--table</c> means, without partitions.</summary>
    /// <exception cref="ServerException">The pattern is no regular expression, or the query failed.</exception>
    public static async Task<IReadOnlyList<DumpRelation>> FindRelationsAsync(PostgresSession session, NamePattern pattern, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(pattern);
        return pattern.Schema is { } schema
            ? await ReadAsync(session, " AND c.relname OPERATOR(pg_catalog.~) $1 COLLATE pg_catalog.default AND n.nspname OPERATOR(pg_catalog.~) $2 COLLATE pg_catalog.default", [Text(pattern.Name), Text(schema)], cancellationToken)
            : await ReadAsync(session, " AND c.relname OPERATOR(pg_catalog.~) $1 COLLATE pg_catalog.default AND pg_table_is_visible(c.oid)", [Text(pattern.Name)], cancellationToken);
    }

    /// <summary>Relations with all their partitions and inheriting tables, at whatever depth (pg_dump 16: <c>--table-and-children</c>).</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static Task<IReadOnlyList<DumpRelation>> WithChildrenAsync(PostgresSession session, IEnumerable<uint> oids, CancellationToken cancellationToken = default)
    {
        const string children = " AND c.oid IN (WITH RECURSIVE t (oid) AS (SELECT unnest($1) UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON i.inhparent = t.oid) SELECT oid FROM t)";
        return ReadAsync(session, children, [Oids(oids)], cancellationToken);
    }

    /// <summary>Schemas that a pattern of pg_dump's <c>--schema</c> means.</summary>
    /// <exception cref="ServerException">The pattern is no regular expression, or the query failed.</exception>
    public static async Task<IReadOnlyList<string>> FindSchemasAsync(PostgresSession session, NamePattern pattern, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(pattern);
        const string sql = """
            SELECT nspname::text FROM pg_namespace
            WHERE nspname OPERATOR(pg_catalog.~) $1 COLLATE pg_catalog.default AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
            """;
        return await session.QueryAsync(sql, [Text(pattern.Name)], row => row.GetString(0), cancellationToken);
    }

    /// <summary>The relations of some schemas, those of extensions among them.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static Task<IReadOnlyList<DumpRelation>> ReadSchemasAsync(PostgresSession session, IEnumerable<string> schemas, CancellationToken cancellationToken = default) =>
        ReadAsync(session, " AND n.nspname = ANY ($1)", [Texts(schemas)], cancellationToken);

    /// <summary>The relations of a database, without those that come with its extensions.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static Task<IReadOnlyList<DumpRelation>> ReadAllAsync(PostgresSession session, CancellationToken cancellationToken = default) =>
        ReadAsync(session, " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')", [], cancellationToken);

    /// <summary>Those of the names, each a schema and a name in it, that are taken by a relation or an index of the database, as SQL writes them.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<string>> FindTakenAsync(PostgresSession session, IReadOnlyList<(string Schema, string Name)> names, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(names);
        const string sql = """
            SELECT n.nspname::text, c.relname::text
            FROM unnest($1, $2) AS wanted (nspname, relname)
            JOIN pg_namespace n ON n.nspname = wanted.nspname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
            ORDER BY 1, 2
            """;
        return await session.QueryAsync(
            sql, [Texts(names.Select(n => n.Schema)), Texts(names.Select(n => n.Name))], row => SqlText.Qualified(row.GetString(0), row.GetString(1)), cancellationToken);
    }

    /// <summary>Those of the schemas that the database has.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<string>> FindTakenSchemasAsync(PostgresSession session, IEnumerable<string> schemas, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return await session.QueryAsync("SELECT nspname::text FROM pg_namespace WHERE nspname = ANY ($1) ORDER BY nspname", [Texts(schemas)], row => row.GetString(0), cancellationToken);
    }

    /// <summary>Whether the server takes no writes, and whether the session's role is a superuser.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<(bool InRecovery, bool IsSuperuser)> ReadRightsAsync(PostgresSession session, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        var rows = await session.QueryAsync(
            "SELECT pg_is_in_recovery(), rolsuper FROM pg_roles WHERE rolname = current_user", [], row => (row.GetBoolean(0), row.GetBoolean(1)), cancellationToken);
        return rows[0];
    }

    /// <summary>How many rows a table has by itself, without those of inheriting tables.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<long> CountRowsAsync(PostgresSession session, DumpRelation table, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(table);
        var rows = await session.QueryAsync($"SELECT count(*) FROM ONLY {table.Qualified}", [], row => row.GetInt64(0), cancellationToken);
        return rows[0];
    }

    static async Task<IReadOnlyList<DumpRelation>> ReadAsync(PostgresSession session, string condition, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(session);
        return await session.QueryAsync(
            Relations + condition + Order,
            parameters,
            row => new DumpRelation(row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetString(3)[0], row.GetInt64(4), row.GetBoolean(5)),
            cancellationToken);
    }

    static NpgsqlParameter Text(string value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Text };

    internal static NpgsqlParameter Texts(IEnumerable<string> values) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    internal static NpgsqlParameter Oids(IEnumerable<uint> oids) => new() { Value = oids.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid };
}
