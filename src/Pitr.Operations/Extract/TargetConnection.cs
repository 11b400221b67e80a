using Npgsql;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Extract;

/// <summary>How the database is reached that something goes into. Its text never has the password.</summary>
public sealed class TargetConnection
{
    readonly Func<string> _reveal;

    TargetConnection(string description, Func<string> reveal)
    {
        Description = description;
        _reveal = reveal;
    }

    /// <summary>Database and server, for messages.</summary>
    public string Description { get; }

    /// <summary>Npgsql connection string, password included. Hand it to Npgsql and to programs that take it out of their environment.</summary>
    /// <exception cref="ConfigurationException">The service's password cannot be read.</exception>
    public string Reveal() => _reveal();

    /// <summary>Reads a connection: any notation of the configuration, or a word that names a database of the service's own server.</summary>
    /// <param name="text">As it was written on the command line.</param>
    /// <param name="service">Whose server a lone name means.</param>
    /// <exception cref="RefusedInputException">It cannot be read, or has a password in it.</exception>
    public static TargetConnection Read(string text, PostgresServiceSettings service)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(service);
        if (text.Length > 0 && !text.Contains('=', StringComparison.Ordinal) && !text.Contains("://", StringComparison.Ordinal))
        {
            return new TargetConnection(Describe(service.Connection, text), () => new NpgsqlConnectionStringBuilder(service.RevealConnection()) { Database = text }.ConnectionString);
        }

        if (!PostgresConnectionText.TryParse(text, out var connection, out var password, out var problem))
        {
            throw new RefusedInputException($"--into-database {problem}", $"write it as {PostgresConnectionText.Notations}, or the name of a database of the service's server");
        }

        return password is null
            ? new TargetConnection(Describe(connection, null), () => connection)
            : throw new RefusedInputException(
                "--into-database has a password in it, which every user of this host could read", "leave it out, and give it as PGPASSWORD in the environment, or in a password file (PGPASSFILE, ~/.pgpass)");
    }

    static string Describe(string connection, string? database)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection);
        return $"database {database ?? settings.Database ?? settings.Username} at {settings.Host}:{settings.Port}";
    }
}
