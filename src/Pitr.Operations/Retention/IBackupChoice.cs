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
    IReadOnlyList<ChosenBackup> Choose(IReadOnlyList<BackupDocument> backups);
}
