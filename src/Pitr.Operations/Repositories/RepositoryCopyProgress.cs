namespace Pitr.Operations.Repositories;

/// <summary>How far a copy is.</summary>
/// <param name="Phase">What is being copied.</param>
/// <param name="Bytes">Bytes copied so far.</param>
/// <param name="TotalBytes">Bytes that were missing when it began; 0 when unknown.</param>
public readonly record struct RepositoryCopyProgress(string Phase, long Bytes, long TotalBytes);
