namespace Pitr.Operations.Restore;

/// <summary>Where a restore is.</summary>
/// <param name="Phase">What it does now, in words.</param>
/// <param name="Bytes">Bytes of the data directory written so far.</param>
/// <param name="TotalBytes">Bytes it will have.</param>
public sealed record RestoreProgress(string Phase, long Bytes, long TotalBytes);
