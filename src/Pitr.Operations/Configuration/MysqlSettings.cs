namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: mysql</c>: databases of a MySQL or MariaDB server.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record MysqlSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : DumpServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "mysql";

    /// <summary>The port of MySQL and MariaDB.</summary>
    public const int DefaultPort = 3306;

    /// <summary>Where the server is.</summary>
    public required NetworkPlace Server { get; init; }

    /// <summary>Who logs in; null for whom the tools choose: the user that runs them.</summary>
    public string? User { get; init; }

    /// <summary>Names of the databases that are dumped; none: every one but those that the server makes itself.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>Absolute path of an option file that the tools read and no other, for TLS and the like; null: they read none.</summary>
    public string? OptionFile { get; init; }
}
