namespace Pitr.Operations.Verify;

/// <summary>What was verified of one repository's copy of a service.</summary>
/// <param name="Name">The repository.</param>
public sealed record VerifiedCopy(string Name)
{
    /// <summary>Why it could not be asked, or not to the end; null when it was.</summary>
    public string? Unanswered { get; init; }

    /// <summary>Complete backups.</summary>
    public int Backups { get; init; }

    /// <summary>Packs that they name.</summary>
    public int Packs { get; init; }

    /// <summary>Packs that were read.</summary>
    public long PacksRead { get; init; }

    /// <summary>Packs that were verified lately and are as they were.</summary>
    public long PacksFresh { get; init; }

    /// <summary>Manifests that were read.</summary>
    public long ManifestsRead { get; init; }

    /// <summary>Documents that were read: entries, keys, records, reports.</summary>
    public long DocumentsRead { get; init; }

    /// <summary>WAL files and pieces that were read.</summary>
    public long WalRead { get; init; }

    /// <summary>Segments that were verified lately and are as they were.</summary>
    public long WalFresh { get; init; }

    /// <summary>Bytes that were read: documents, manifests and packs as stored, WAL as it is without compression.</summary>
    public long BytesRead { get; init; }

    /// <summary>Manifests and packs that no backup names: of a backup that runs or was interrupted, or waiting for the next expiry.</summary>
    public long Unreferenced { get; init; }

    /// <summary>Their bytes.</summary>
    public long UnreferencedBytes { get; init; }

    /// <summary>Objects beside backups and packs of no form that pitr gives; nobody reads them.</summary>
    public long Unknown { get; init; }

    /// <summary>Objects that it lacks and that this host knows it is owed.</summary>
    public long Owed { get; init; }
}
