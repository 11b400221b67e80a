namespace Pitr.Operations.Configuration;

/// <summary>A service of <c>kind: qdrant</c>: collections of a Qdrant server.</summary>
/// <inheritdoc cref="ServiceSettings"/>
public sealed record QdrantSettings(
    string Name,
    IReadOnlyList<string> Repositories,
    ObjectiveSettings Objectives,
    RetentionSettings Retention) : DumpServiceSettings(Name, KindName, Repositories, Objectives, Retention)
{
    /// <summary>The word for this kind in the configuration and in the catalog.</summary>
    public const string KindName = "qdrant";

    /// <summary>Where Qdrant listens unless it is told otherwise.</summary>
    public const string DefaultUrl = "http://127.0.0.1:6333";

    /// <summary>How long the server may say nothing, by default.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromHours(1);

    /// <summary>Base of its HTTP API: http or https.</summary>
    public required Uri Url { get; init; }

    /// <summary>The key of its API; null where none is needed.</summary>
    public SecretValue? ApiKey { get; init; }

    /// <summary>Names of the collections that are dumped; none: every one.</summary>
    public IReadOnlyList<string> Collections { get; init; } = [];

    /// <summary>How long the server may say nothing while it works; 1 s to 1 day. It says nothing while it makes a snapshot, or reads one.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <inheritdoc/>
    public override IEnumerable<SecretValue?> Secrets => [ApiKey];
}
