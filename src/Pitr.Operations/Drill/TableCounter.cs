using System.Globalization;
using Npgsql;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill;

/// <summary>Reads every table of a recovered cluster to its end and counts its rows. What only stands for data elsewhere (foreign tables, views) is not touched.</summary>
sealed class TableCounter(PostgresServer server)
{
    const int MostNamed = 5;

    // ONLY, because a table's children may be foreign ones; partitions stand in the list themselves.
    const string Tables =
        """
        SELECT format('%I.%I', n.nspname, c.relname), n.nspname IN ('pg_catalog', 'information_schema')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND c.relispopulated AND n.nspname !~ '^pg_toast'
        ORDER BY n.nspname, c.relname
        """;

    readonly List<TableRows> _counted = [];
    readonly HashSet<string> _listed = new(StringComparer.Ordinal);
    readonly HashSet<(string Database, string Table)> _unreadable = [];

    /// <summary>Every table that was read, with its rows, but for the system's own.</summary>
    public IReadOnlyList<TableRows> Counted => _counted;

    /// <summary>Whether a table would have been counted if it were there; false where nothing is known.</summary>
    /// <param name="databases">Every database there is.</param>
    public Func<TableRows, bool> KnownAmong(IReadOnlyList<string> databases) =>
        table => (_listed.Contains(table.Database) || !databases.Contains(table.Database)) && !_unreadable.Contains((table.Database, table.Table));

    /// <summary>Reads the tables of one database.</summary>
    /// <exception cref="ServerException">The database could not be asked, or some tables could not be read; the others have been.</exception>
    /// <exception cref="NpgsqlException">The connection broke.</exception>
    public async Task<string> CountAsync(string database, CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString(database), cancellation);
        // An index that may be asked instead of the table says nothing about the table.
        await session.ExecuteAsync("SET enable_indexonlyscan = off", cancellation);
        var tables = await ListAsync(session, cancellation);
        var failures = new List<string>();
        var rows = 0L;
        foreach (var (table, isSystem) in tables)
        {
            try
            {
                await using var command = new NpgsqlCommand($"SELECT count(*) FROM ONLY {table}", session.Connection);
                var counted = new TableRows(database, table, (long)(await command.ExecuteScalarAsync(cancellation))!);
                rows += counted.Rows;
                if (!isSystem)
                {
                    _counted.Add(counted);
                }
            }
            catch (PostgresException e)
            {
                _unreadable.Add((database, table));
                failures.Add($"{table}: {e.MessageText}");
                if (session.Connection.State != System.Data.ConnectionState.Open)
                {
                    throw new ServerException($"{table}: {e.MessageText}", innerException: e);
                }
            }
        }

        _listed.Add(database);
        return failures.Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{tables.Count} tables read, {rows} rows")
            : throw new ServerException($"{failures.Count} of {tables.Count} tables cannot be read: {string.Join("; ", failures.Take(MostNamed))}{(failures.Count > MostNamed ? "; …" : "")}");
    }

    static async Task<List<(string Table, bool IsSystem)>> ListAsync(PostgresSession session, CancellationToken cancellation)
    {
        var tables = new List<(string, bool)>();
        await using var listing = new NpgsqlCommand(Tables, session.Connection);
        await using var reader = await listing.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            tables.Add((reader.GetString(0), reader.GetBoolean(1)));
        }

        return tables;
    }
}
