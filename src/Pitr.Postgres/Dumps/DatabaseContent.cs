using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>Counts what a database holds, without what extensions bring along.</summary>
public static class DatabaseContent
{
    const string Sql = """
        SELECT kind, count(*) FROM (
            SELECT CASE WHEN c.relkind IN ('r', 'p') THEN 'tables' WHEN c.relkind IN ('v', 'm') THEN 'views' WHEN c.relkind IN ('i', 'I') THEN 'indexes' ELSE 'sequences' END AS kind
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'i', 'I', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass
                              AND d.objid = coalesce((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = c.oid), c.oid))
        ) counted GROUP BY kind ORDER BY kind
        """;

    /// <summary>Asks the database of a session.</summary>
    /// <returns>tables, views, indexes, sequences: those there are any of, and how many.</returns>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<(string What, long Number)>> CountAsync(PostgresSession session, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        return await session.QueryAsync(Sql, [], row => (row.GetString(0), row.GetInt64(1)), cancellationToken);
    }
}
