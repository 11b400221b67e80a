using Npgsql;
using Pitr.Operations.Configuration;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Drill;

/// <summary>Asks a PostgreSQL server a query of the configuration.</summary>
static class PostgresQuery
{
    /// <summary>Asks it in the check's database. Whatever keeps it from an answer is thrown.</summary>
    public static async Task<SqlAnswer> AskAsync(PostgresServer server, SqlCheckSettings check, CancellationToken cancellation)
    {
        await using var session = await PostgresSession.OpenAsync(server.ConnectionString(check.Database), cancellation);
        // Without result types everything comes as text, as psql shows it.
        await using var command = new NpgsqlCommand(check.Sql, session.Connection) { CommandTimeout = 0, AllResultTypesAreUnknown = true };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var columns = reader.FieldCount;
        string? value = null;
        var rows = 0L;
        while (columns > 0 && await reader.ReadAsync(cancellation))
        {
            value = rows++ == 0 && columns == 1 ? Text(reader) : value;
        }

        return new SqlAnswer(columns, rows, value, IsSeveral: columns > 0 && await reader.NextResultAsync(cancellation));
    }

    // What is a t or an f for psql is written like in SQL, and so it is expected.
    static string? Text(NpgsqlDataReader reader)
    {
        if (reader.IsDBNull(0))
        {
            return null;
        }

        var text = reader.GetString(0);
        return reader.GetDataTypeName(0) != "boolean" ? text : text == "t" ? "true" : "false";
    }
}
