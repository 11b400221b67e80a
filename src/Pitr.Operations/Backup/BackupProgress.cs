namespace Pitr.Operations.Backup;

/// <summary>Where a running backup is.</summary>
/// <param name="Phase">What it does now, in words.</param>
/// <param name="Bytes">Bytes of the cluster read so far.</param>
/// <param name="TotalBytes">Estimate of the whole, 0 when unknown.</param>
/// <param name="StoredBytes">Bytes stored so far.</param>
public sealed record BackupProgress(string Phase, long Bytes, long TotalBytes, long StoredBytes);
