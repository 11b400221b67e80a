using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>Verifies the backups of one repository: first their entries, then what those name.</summary>
abstract class CatalogVerifier
{
    /// <summary>The backups that are complete here and whose entries make sense: by id, what tells an entry from another that says something else. Pins may differ.</summary>
    public abstract IReadOnlyDictionary<string, string> Digests { get; }

    /// <summary>The entries of base backups among them, without packs.</summary>
    public virtual IEnumerable<BackupDocument> BaseBackups => [];

    /// <summary>How many packs, or parts of dumps, they name.</summary>
    public abstract int Packs { get; }

    /// <summary>Those that were verified lately.</summary>
    public abstract long PacksFresh { get; }

    /// <summary>The data keys that entries name.</summary>
    public abstract IReadOnlyCollection<DataKeyId> DataKeys { get; }

    /// <summary>Manifests and packs, or parts of dumps, that no entry names.</summary>
    public (long Count, long Bytes) Unreferenced { get; protected set; }

    /// <summary>Objects among backups of no form that pitr gives.</summary>
    public long Unknown { get; protected set; }

    /// <summary>Whether the entry of a backup is here, whether or not it makes sense.</summary>
    public abstract bool HasEntry(string id);

    /// <summary>Reads the entries, and looks whether everything that they name is there.</summary>
    /// <param name="systemIdentifiers">The clusters that the service has been; empty when that is not known.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="StorageException">The repository could not be read.</exception>
    public abstract Task ReadCatalogAsync(IReadOnlySet<string> systemIdentifiers, CancellationToken cancellation);

    /// <summary>Reads the manifests and packs, or parts, that are due.</summary>
    /// <exception cref="StorageException">The repository could not be read.</exception>
    public abstract Task ReadContentAsync(CancellationToken cancellation);
}
