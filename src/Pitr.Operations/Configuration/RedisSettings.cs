namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: redis</c>: the data of a Redis server, as the file that it would load.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record RedisSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : DumpServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "redis";

    /// <summary>The port of Redis.</summary>
    public const int DefaultPort = 6379;

    /// <summary>Where the server is.</summary>
    public required NetworkPlace Server { get; init; }

    /// <summary>The user of Redis' access control lists; null for the default one.</summary>
    public string? User { get; init; }

    /// <summary>Absolute path of the directory that the server loads its data from, on this host; null: not known.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>How the server is stopped and started.</summary>
    public ServerSettings Control { get; init; } = ServerSettings.Default;
}
