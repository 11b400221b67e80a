namespace Pitr.Operations.Retention;

/// <summary>What went, or would go, from one repository.</summary>
/// <param name="Repository">Its name.</param>
public sealed record RepositoryRemovals(string Repository)
{
    /// <summary>Backups that were complete there: their entries went.</summary>
    public IReadOnlyList<string> Backups { get; init; } = [];

    /// <summary>Manifests that went; of dumps, also their digests.</summary>
    public long Manifests { get; init; }

    /// <summary>Packs that went; of dumps, their parts.</summary>
    public long Packs { get; init; }

    /// <summary>Bytes of manifests and packs that went.</summary>
    public long Bytes { get; init; }

    /// <summary>Files of the WAL that went: segments, pieces, and what lies beside them.</summary>
    public long WalFiles { get; init; }

    /// <summary>Their bytes.</summary>
    public long WalBytes { get; init; }

    /// <summary>Manifests and packs that no backup names, younger than the grace period: they stay.</summary>
    public long Young { get; init; }

    /// <summary>Their bytes.</summary>
    public long YoungBytes { get; init; }

    /// <summary>Keys among backups and packs of no form that pitr gives: they stay.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Backups that shall go and are still there, or may be: a later run removes them.</summary>
    public IReadOnlyList<string> Pending { get; init; } = [];

    /// <summary>Why not everything was done there; null when it was.</summary>
    public string? Reason { get; init; }
}
