using Npgsql;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Drill;

/// <summary>Why a check of a PostgreSQL server could not be done, in words.</summary>
static class PostgresReason
{
    const int ShownLines = 3;

    /// <summary>The server's own words where it had some. A connection that broke says nothing about why; the server's log does.</summary>
    public static string Of(Exception e, PostgresServer server)
    {
        var text = e switch
        {
            PostgresException { MessageText: var message } => message,
            ServerException or NpgsqlException or IOException => e.Message,
            _ => $"{e.GetType().Name}: {e.Message}",
        };
        return e is PostgresException or ServerException { SqlState: not null } or not (NpgsqlException or ServerException) || server.LogTail(ShownLines) is not { Count: > 0 } log
            ? text
            : $"{text}; the server's log ends with: {string.Join(" / ", log)}";
    }
}
