using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>The backups of a service: those whose backup.json exists, since that file is written last.</summary>
public sealed class BackupCatalog(PackedService service)
{
    readonly CatalogEntries<BackupDocument> _entries = new(
        service, RepositoryLayout.BackupsPrefix(service.Name), id => RepositoryLayout.Backup(service.Name, id), json => BackupDocument.Parse(json));

    /// <summary>Every complete backup, oldest first; each once, however many repositories hold it.</summary>
    /// <exception cref="StorageException">No repository could be listed.</exception>
    /// <exception cref="DamagedRepositoryException">A catalog entry cannot be read in any repository.</exception>
    public Task<IReadOnlyList<BackupDocument>> ListAsync(CancellationToken cancellation) => _entries.ListAsync(cancellation);

    /// <summary>One backup; null when no repository has it whole.</summary>
    /// <exception cref="DamagedRepositoryException">Its entry is there and cannot be read in any repository.</exception>
    /// <exception cref="StorageException">No repository has it, and one could not be asked.</exception>
    public Task<BackupDocument?> FindAsync(BackupId id, CancellationToken cancellation) => _entries.FindAsync(id, cancellation);
}
