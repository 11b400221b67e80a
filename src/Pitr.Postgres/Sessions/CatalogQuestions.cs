using Npgsql;
using NpgsqlTypes;

namespace Pitr.Postgres.Sessions;

/// <summary>Asks a server's catalogs for names.</summary>
public static class CatalogQuestions
{
    /// <summary>Names of the databases that can be connected to, by OID.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyDictionary<uint, string>> ReadDatabasesAsync(PostgresSession session, CancellationToken cancellationToken = default)
    {
        var rows = await session.QueryAsync(
            "SELECT oid, datname FROM pg_database WHERE datallowconn", [], row => (row.GetFieldValue<uint>(0), row.GetString(1)), cancellationToken);
        return rows.ToDictionary(row => row.Item1, row => row.Item2);
    }

    /// <summary>The relations of the session's database that have one of these OIDs or lie in one of these files.</summary>
    /// <exception cref="ServerException">The query failed.</exception>
    public static async Task<IReadOnlyList<LiveRelation>> ReadRelationsAsync(
        PostgresSession session, IEnumerable<uint> oids, IEnumerable<uint> files, CancellationToken cancellationToken = default)
    {
        const string sql = """
            SELECT c.oid, coalesce(pg_relation_filenode(c.oid), 0)::oid, n.nspname, c.relname, c.relkind
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = ANY ($1) OR pg_relation_filenode(c.oid) = ANY ($2)
            """;
        return await session.QueryAsync(
            sql,
            [Oids(oids), Oids(files)],
            row => new LiveRelation(row.GetFieldValue<uint>(0), row.GetFieldValue<uint>(1), row.GetString(2), row.GetString(3), row.GetChar(4)),
            cancellationToken);
    }

    static NpgsqlParameter Oids(IEnumerable<uint> oids) => new() { Value = oids.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid };
}
