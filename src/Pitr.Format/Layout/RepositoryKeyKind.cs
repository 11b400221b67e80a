namespace Pitr.Format.Layout;

/// <summary>What a key of a repository is for.</summary>
public enum RepositoryKeyKind
{
    /// <summary>Nothing this version knows.</summary>
    Other = 0,

    /// <summary><c>repository.json</c>.</summary>
    Repository,

    /// <summary>A key document, below <c>keys/</c> or below a service.</summary>
    DataKey,

    /// <summary><c>service.json</c>.</summary>
    Service,

    /// <summary>Any archived WAL file.</summary>
    Wal,

    /// <summary><c>backup.json</c>, whose presence is the backup.</summary>
    Backup,

    /// <summary>The manifest of a backup.</summary>
    Manifest,

    /// <summary>A pack.</summary>
    Pack,

    /// <summary>Part of a dump.</summary>
    Dump,

    /// <summary><c>dump.json</c>, whose presence is the backup.</summary>
    DumpEntry,

    /// <summary>The manifest of a dump.</summary>
    DumpManifest,

    /// <summary><c>SHA256SUMS</c> of a dump.</summary>
    DumpSums,

    /// <summary>A drill report.</summary>
    Drill,

    /// <summary>A record of something that was done or begun; of the repository as a whole where it belongs to no service.</summary>
    Audit,

    /// <summary>A piece of a WAL segment that is not complete yet.</summary>
    WalPiece,

    /// <summary>A lease, which means something in its own repository only.</summary>
    Lock,
}
