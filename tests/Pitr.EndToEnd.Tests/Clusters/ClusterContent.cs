using Npgsql;

namespace Pitr.EndToEnd.Tests.Clusters;

/// <summary>Everything that a cluster's databases hold, for holding two clusters against each other.</summary>
static class ClusterContent
{
    // Without the numbers of sequences: 32 are logged ahead, so recovery comes out at a later one.
    const string Tables =
        """
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ORDER BY 1
        """;

    const string Others =
        """
        SELECT format('%s %s %s', c.relkind, c.oid::regclass, t.spcname)
        FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        UNION ALL SELECT format('large object %s %s', oid, md5(lo_get(oid))) FROM pg_largeobject_metadata
        UNION ALL SELECT format('role %s', rolname) FROM pg_roles
        ORDER BY 1
        """;

    /// <summary>One line for each row of each table of every database, and for each relation, large object and role; in an order of their own.</summary>
    /// <param name="connectionString">To any database, as a superuser.</param>
    public static async Task<IReadOnlyList<string>> ReadAsync(string connectionString)
    {
        var lines = new List<string>();
        foreach (var database in await QueryAsync(connectionString, "postgres", "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"))
        {
            lines.AddRange((await QueryAsync(connectionString, database, Others)).Select(line => $"{database}: {line}"));
            foreach (var table in await QueryAsync(connectionString, database, Tables))
            {
                lines.AddRange((await QueryAsync(connectionString, database, $"SELECT t::text FROM {table} t ORDER BY t::text COLLATE \"C\"")).Select(row => $"{database}: {table}: {row}"));
            }
        }

        return lines;
    }

    /// <summary>Fails the test at the first line that only one of them has.</summary>
    public static void RequireSame(IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        var at = Enumerable.Range(0, Math.Max(expected.Count, actual.Count)).FirstOrDefault(i => At(expected, i) != At(actual, i), -1);
        Assert.True(at < 0, $"line {at} of {expected.Count}, or {actual.Count}:\n{At(expected, at)}\n{At(actual, at)}");
    }

    static string At(IReadOnlyList<string> lines, int index) => index >= 0 && index < lines.Count ? lines[index][..Math.Min(lines[index].Length, 500)] : "(none)";

    static async Task<IReadOnlyList<string>> QueryAsync(string connectionString, string database, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Database = database, Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }
}
