namespace Pitr.Operations.Backup;

/// <summary>What a backup finds of those before it that were interrupted.</summary>
/// <param name="InterruptedAt">When the last of them was.</param>
/// <param name="StoredBytes">Bytes of the cluster that they have stored; what has changed since is copied all the same.</param>
/// <param name="TotalBytes">Estimate of the whole.</param>
public sealed record ResumedWork(DateTimeOffset InterruptedAt, long StoredBytes, long TotalBytes);
