namespace Pitr.Postgres.Cluster;

/// <summary>How <see cref="PostgresServer"/> runs a data directory.</summary>
public sealed record PostgresServerOptions
{
    public required string DataDirectory { get; init; }

    public required BinDirectory BinDirectory { get; init; }

    /// <summary>Existing directory for the socket, at most 90 bytes long, as the kernel allows 107 for a socket's path.</summary>
    public required string SocketDirectory { get; init; }

    /// <summary>Part of the socket's name; 0 takes the first from 5432 that is free in <see cref="SocketDirectory"/>.</summary>
    public int Port { get; init; }

    /// <summary>Settings given on the command line, above every configuration file. <c>listen_addresses</c> is empty unless given here.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Added to the environment of the server, and so of archive_command and restore_command.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The server's standard error is appended to it.</summary>
    public required string LogFile { get; init; }

    /// <summary>
    /// Send the whole log to <see cref="LogFile"/>, in English, whatever the cluster's configuration says: what is wrong can then be told.
    /// Off, a cluster that logs elsewhere leaves only its first lines here.
    /// </summary>
    public bool CaptureLog { get; init; } = true;

    /// <summary>postgresql.conf, where it is not in the data directory (as on Debian).</summary>
    public string? ConfigFile { get; init; }

    public string? HbaFile { get; init; }

    public string? IdentFile { get; init; }

    /// <summary>Role for the connections that watch start and recovery; a superuser, or a member of pg_monitor.</summary>
    public string User { get; init; } = "postgres";

    public string Database { get; init; } = "postgres";

    /// <summary>Options of every session that <see cref="PostgresServer.ConnectionString"/> leads to, as in <c>PGOPTIONS</c>; null: none.</summary>
    public string? SessionOptions { get; init; }

    /// <summary>How <see cref="PostgresServer.DisposeAsync"/> stops it.</summary>
    public ServerStopMode StopOnDispose { get; init; } = ServerStopMode.Fast;
}
