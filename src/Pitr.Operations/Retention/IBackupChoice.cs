using Pitr.Format.Catalog;

namespace Pitr.Operations.Retention;

/// <summary>
/// Says which backups go; how they go safely is <see cref="BackupRemoval"/>'s part. Asked while the service's lease is held, with all that is known: a
/// choice is never made from a part of the catalog.
/// </summary>
public interface IBackupChoice
{
    /// <summary>Chooses.</summary>
    /// <param name="backups">Every complete backup in any repository, oldest first.</param>
    /// <returns>Those that shall go, each once.</returns>
    IReadOnlyList<ChosenBackup> Choose(IReadOnlyList<ICatalogEntry> backups);

    /// <summary>Whether WAL goes as well.</summary>
    bool RemovesWal => false;

    /// <summary>Says which WAL is needed when only some backups are left.</summary>
    /// <param name="remaining">Those that are left, in any repository.</param>
    /// <param name="now">What the archive says of each timeline by then.</param>
    /// <returns>Null: all WAL stays.</returns>
    NeededWal? NeededWal(IReadOnlyList<BackupDocument> remaining, IReadOnlyList<TimelineTrace> now) => null;
}
