using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>Starts <c>pg_dumpall --globals-only</c>: roles and tablespaces, as SQL.</summary>
public static class PgDumpAll
{
    /// <summary>Its name.</summary>
    public const string Name = "pg_dumpall";

    /// <param name="program">Its path.</param>
    /// <param name="connectionString">As Npgsql reads it.</param>
    /// <param name="withPasswords">Whether the (hashed) passwords of roles come along, which only a superuser can read.</param>
    /// <exception cref="ServerException">The connection string is malformed or the program does not start.</exception>
    public static ClientProgram StartGlobals(string program, string connectionString, bool withPasswords)
    {
        string[] arguments = ["--globals-only", "--no-password"];
        return ClientProgram.Start(program, withPasswords ? arguments : [.. arguments, "--no-role-passwords"], ConnectionText.Parse(connectionString));
    }
}
