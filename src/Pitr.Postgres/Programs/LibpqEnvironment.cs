using System.Globalization;
using Npgsql;

namespace Pitr.Postgres.Programs;

/// <summary>
/// Says in libpq's environment variables what an Npgsql connection string says ("Environment Variables" of libpq in PostgreSQL's manual).
/// Only the environment: unlike arguments, other users of the host cannot read it.
/// </summary>
static class LibpqEnvironment
{
    // Each of these could send the program to another server than the connection string names.
    static readonly string[] Overriding = ["PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGTARGETSESSIONATTRS", "PGREQUIRESSL", "PGOPTIONS"];

    public static void Apply(NpgsqlConnectionStringBuilder settings, IDictionary<string, string?> environment)
    {
        foreach (var name in Overriding)
        {
            environment.Remove(name);
        }

        var (hosts, ports) = SplitHosts(settings);
        environment["PGHOST"] = hosts;
        environment["PGPORT"] = ports;
        environment["PGAPPNAME"] = settings.ApplicationName ?? "pitr";
        Set("PGUSER", settings.Username);
        Set("PGPASSWORD", settings.Password);
        Set("PGPASSFILE", settings.Passfile);
        Set("PGDATABASE", settings.Database);
        Set("PGSSLROOTCERT", settings.RootCertificate);
        Set("PGSSLCERT", settings.SslCertificate);
        Set("PGSSLKEY", settings.SslKey);
        Set("PGKRBSRVNAME", settings.KerberosServiceName);
        environment["PGSSLMODE"] = settings.SslMode switch
        {
            SslMode.Disable => "disable",
            SslMode.Allow => "allow",
            SslMode.Require => "require",
            SslMode.VerifyCA => "verify-ca",
            SslMode.VerifyFull => "verify-full",
            _ => "prefer",
        };
        if (settings.Timeout > 0)
        {
            environment["PGCONNECT_TIMEOUT"] = settings.Timeout.ToString(CultureInfo.InvariantCulture);
        }

        void Set(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                environment[name] = value;
            }
        }
    }

    /// <summary>Npgsql writes several servers as <c>a:5433,b</c>, libpq as hosts <c>a,b</c> and ports <c>5433,5432</c>.</summary>
    static (string Hosts, string Ports) SplitHosts(NpgsqlConnectionStringBuilder settings)
    {
        var hosts = new List<string>();
        var ports = new List<string>();
        foreach (var part in settings.Host!.Split(',', StringSplitOptions.TrimEntries))
        {
            var colon = part.LastIndexOf(':');
            var hasPort = colon > 0 && !part.StartsWith('/') && part.IndexOf(':') == colon;
            hosts.Add(hasPort ? part[..colon] : part);
            ports.Add(hasPort ? part[(colon + 1)..] : settings.Port.ToString(CultureInfo.InvariantCulture));
        }

        return (string.Join(',', hosts), string.Join(',', ports));
    }
}
