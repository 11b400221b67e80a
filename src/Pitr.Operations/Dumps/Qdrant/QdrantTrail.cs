namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>What this host knows of a snapshot that it has asked for and that may still lie on the server.</summary>
/// <param name="Collection">Of which collection.</param>
/// <param name="Snapshot">Its name; null while the server has not said it.</param>
/// <param name="Before">Names of the snapshots that were there before.</param>
sealed record QdrantTrail(string Collection, string? Snapshot, IReadOnlyList<string> Before);
