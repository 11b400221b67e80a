namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: postgres</c>: one PostgreSQL cluster.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record PostgresServiceSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : ServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "postgres";

    /// <summary>How the server is reached when the configuration does not say: the socket of Debian's and Red Hat's packages.</summary>
    public const string DefaultConnection = "Host=/var/run/postgresql;Username=postgres";

    /// <summary>Absolute path of the data directory on this host, or null for a server elsewhere.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>
    /// Npgsql connection string without its password, whichever of the accepted notations the configuration used. Safe to show.
    /// Sessions are opened with <see cref="RevealConnection"/>.
    /// </summary>
    public string Connection { get; init; } = DefaultConnection;

    /// <summary>The password of the connection, or null where none is needed (peer, trust, passfile, certificate).</summary>
    public SecretValue? Password { get; init; }

    /// <summary>Absolute path of the directory with <c>postgres</c> and <c>pg_basebackup</c>, or null to look in the usual places.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>How base backups are taken.</summary>
    public BackupSettings Backup { get; init; } = BackupSettings.Default;

    /// <summary>How WAL is pushed and fetched.</summary>
    public WalSettings Wal { get; init; } = WalSettings.Default;

    /// <summary>What drills look at.</summary>
    public DrillSettings Drill { get; init; } = DrillSettings.Default;

    /// <summary>How the server is stopped and started.</summary>
    public ServerSettings Server { get; init; } = ServerSettings.Default;

    /// <summary>Absolute path of <c>pitr-archive</c> as written into <c>restore_command</c>, or null for the one beside <c>pitr</c>.</summary>
    public string? ArchiveProgram { get; init; }

    /// <summary>The whole connection string, password included. Hand it to Npgsql and to nothing else.</summary>
    /// <exception cref="ConfigurationException">The password's variable or file is missing, empty or not private.</exception>
    public string RevealConnection() => PostgresConnectionText.WithPassword(Connection, Password);
}
