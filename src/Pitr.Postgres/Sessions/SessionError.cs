using Npgsql;

namespace Pitr.Postgres.Sessions;

/// <summary>Turns Npgsql's errors into <see cref="ServerException"/>: what was asked, of which server, why not, what to do.</summary>
static class SessionError
{
    public static ServerException From(PostgresException error, string what) =>
        new($"{what}: {error.MessageText}{(error.Detail is null ? "" : $" ({error.Detail})")}", Hint(error), error) { SqlState = error.SqlState };

    public static ServerException From(NpgsqlException error, string what) =>
        error is PostgresException server
            ? From(server, what)
            : new ServerException($"{what}: {Innermost(error).Message}", "is PostgreSQL running there, and are host and port right?", error);

    static string? Hint(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword => "check the password in the connection string, PGPASSWORD or the password file",
        PostgresErrorCodes.InvalidAuthorizationSpecification => "check the user name, and the line for it in pg_hba.conf",
        PostgresErrorCodes.InvalidCatalogName => "check the database name in the connection string",
        PostgresErrorCodes.InsufficientPrivilege => "connect as a superuser, or grant what is missing",
        PostgresErrorCodes.CannotConnectNow => "the server is starting, recovering or shutting down; try again",
        PostgresErrorCodes.TooManyConnections => "raise max_connections, or try again later",
        _ => error.Hint,
    };

    static Exception Innermost(Exception error)
    {
        while (error.InnerException is { } inner)
        {
            error = inner;
        }

        return error;
    }
}
