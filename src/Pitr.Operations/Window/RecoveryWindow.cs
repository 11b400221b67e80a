using Pitr.Format.Catalog;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Window;

/// <summary>What a service can be brought back to.</summary>
/// <param name="Spans">Unbroken stretches of moments, oldest first; empty when nothing can be restored.</param>
/// <param name="Backups">Every complete backup, oldest first.</param>
/// <param name="Wal">What is archived.</param>
/// <param name="LastCommit">The last archived commit there is anywhere; null when none was found.</param>
public sealed record RecoveryWindow(
    IReadOnlyList<RecoverySpan> Spans,
    IReadOnlyList<BackupDocument> Backups,
    WalInventory? Wal,
    DateTimeOffset? LastCommit);
