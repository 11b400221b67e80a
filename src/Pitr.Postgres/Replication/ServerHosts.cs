using System.Globalization;
using Npgsql;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Replication;

/// <summary>
/// Takes a connection string with several hosts apart, so that each can be asked whether it is the primary: a replication connection
/// cannot be asked, and goes to one host.
/// </summary>
public static class ServerHosts
{
    /// <summary>One connection string for each host, in the order written.</summary>
    /// <param name="connectionString">As Npgsql reads it: <c>Host=a,b:5433</c>.</param>
    /// <exception cref="ServerException">Malformed, or without a host.</exception>
    public static IReadOnlyList<string> Split(string connectionString)
    {
        var settings = ConnectionText.Parse(connectionString);
        settings.TargetSessionAttributes = null;
        settings.LoadBalanceHosts = false;
        return [.. settings.Host!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(host => One(settings, host))];
    }

    /// <summary>Host and port, for messages.</summary>
    public static string Describe(string connectionString) => ConnectionText.Describe(ConnectionText.Parse(connectionString));

    static string One(NpgsqlConnectionStringBuilder settings, string text)
    {
        var one = new NpgsqlConnectionStringBuilder(settings.ConnectionString);
        var colon = text.LastIndexOf(':');
        // An address of IPv6 has colons of its own; with a port it stands in brackets.
        var hasPort = colon > 0
            && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon)
            && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        one.Host = hasPort ? text[..colon] : text;
        if (hasPort)
        {
            one.Port = int.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture);
        }

        return one.ConnectionString;
    }
}
