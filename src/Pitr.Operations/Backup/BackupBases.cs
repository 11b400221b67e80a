namespace Pitr.Operations.Backup;

/// <summary>Where the pages of a new backup may be stored already.</summary>
/// <param name="Complete">The backup it is compared with; null when there is none that may be used.</param>
/// <param name="Interrupted">What backups have left that never came to their end; null when nothing.</param>
sealed record BackupBases(BackupBase? Complete, InterruptedBackups? Interrupted);
