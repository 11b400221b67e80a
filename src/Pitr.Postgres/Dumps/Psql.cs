using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>Starts <c>psql</c> to run what it reads.</summary>
public static class Psql
{
    /// <summary>Its name.</summary>
    public const string Name = "psql";

    /// <param name="program">Its path.</param>
    /// <param name="connectionString">As Npgsql reads it, with the database.</param>
    /// <exception cref="ServerException">The connection string is malformed or the program does not start.</exception>
    public static ClientProgram Start(string program, string connectionString) =>
        ClientProgram.Start(program, ["--no-psqlrc", "--quiet", "--no-password", "--output=/dev/null", "--file=-"], ConnectionText.Parse(connectionString));
}
