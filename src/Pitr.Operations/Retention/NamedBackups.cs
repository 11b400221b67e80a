using Pitr.Format.Catalog;
using Pitr.Format.Layout;

namespace Pitr.Operations.Retention;

/// <summary>Backups that somebody named.</summary>
public sealed class NamedBackups(IEnumerable<BackupId> ids) : IBackupChoice
{
    readonly ChosenBackup[] _chosen = [.. ids.Distinct().Order().Select(id => new ChosenBackup(id, "named on the command line"))];

    /// <summary>None: only what earlier runs and interrupted backups have left goes.</summary>
    public static NamedBackups None { get; } = new([]);

    /// <inheritdoc/>
    public IReadOnlyList<ChosenBackup> Choose(IReadOnlyList<ICatalogEntry> backups) => _chosen;
}
