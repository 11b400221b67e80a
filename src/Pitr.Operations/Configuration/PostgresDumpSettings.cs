namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: postgres-dump</c>: databases of a PostgreSQL server, dumped by <c>pg_dump</c>.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record PostgresDumpSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : DumpServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "postgres-dump";

    /// <summary>The default of <see cref="StagingSize"/>: 1 GiB.</summary>
    public const long DefaultStagingSize = 1L << 30;

    /// <summary>The most jobs.</summary>
    public const int MostJobs = 64;

    /// <summary>Npgsql connection string without its password. Safe to show. Its database is where questions are asked.</summary>
    public string Connection { get; init; } = PostgresServiceSettings.DefaultConnection;

    /// <summary>Names of the databases that are dumped; none: every one that accepts connections and is no template.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>How many tables are dumped and restored at once; 1: one after the other, with nothing on disk.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Existing directory for files on their way between tool and repository, with several jobs; null: this host's private files for the service.</summary>
    public string? StagingDirectory { get; init; }

    /// <summary>Bytes that may lie there while a dump is taken before pg_dump has to wait.</summary>
    public long StagingSize { get; init; } = DefaultStagingSize;

    /// <summary>The whole connection string, password included. Hand it to Npgsql, and to programs that take it out of their environment.</summary>
    /// <exception cref="ConfigurationException">The password's variable or file is missing, empty or not private.</exception>
    public string RevealConnection() => PostgresConnectionText.WithPassword(Connection, Password);
}
