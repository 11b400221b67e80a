using Pitr.Format.Catalog;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Restore;

/// <summary>What a plan stands on.</summary>
/// <param name="Backups">The backups that lead to the target's timeline, in the order of their WAL.</param>
/// <param name="Path">The way to that timeline.</param>
/// <param name="Inventory">What is archived.</param>
sealed record RestoreGround(IReadOnlyList<BackupDocument> Backups, TimelinePath Path, WalInventory Inventory);
