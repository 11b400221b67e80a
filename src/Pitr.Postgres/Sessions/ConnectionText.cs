using System.Globalization;
using Npgsql;

namespace Pitr.Postgres.Sessions;

/// <summary>Reads connection strings without ever repeating them: they may hold a password.</summary>
static class ConnectionText
{
    /// <exception cref="ServerException">Malformed, or without a host.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string connectionString)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or InvalidCastException)
        {
            // Neither text nor cause of the error are passed on: a password with an unquoted semicolon would show up in them.
            throw new ServerException(
                "the connection string is malformed, or has an unknown keyword or a value of the wrong kind",
                "write it as Host=/var/run/postgresql;Port=5432;Username=postgres;Database=postgres, and put values with a semicolon in quotes");
        }

        return string.IsNullOrEmpty(settings.Host)
            ? throw new ServerException("the connection string names no Host", "for a local server: Host=/var/run/postgresql")
            : settings;
    }

    public static string Describe(NpgsqlConnectionStringBuilder settings)
    {
        var user = settings.Username is { Length: > 0 } name ? $" as {name}" : "";
        var database = settings.Database is { Length: > 0 } value ? $" database {value}" : "";
        return $"PostgreSQL at {settings.Host}, port {settings.Port.ToString(CultureInfo.InvariantCulture)}{database}{user}";
    }
}
