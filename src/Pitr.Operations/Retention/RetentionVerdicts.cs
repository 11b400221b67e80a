namespace Pitr.Operations.Retention;

/// <summary>What the rules say.</summary>
/// <param name="WindowStart">The first moment that has to stay recoverable.</param>
/// <param name="Branches">The timelines that have moments in the window.</param>
/// <param name="Backups">Every backup, in the cluster's order, oldest first.</param>
public sealed record RetentionVerdicts(DateTimeOffset WindowStart, IReadOnlyList<WindowBranch> Branches, IReadOnlyList<BackupVerdict> Backups);
