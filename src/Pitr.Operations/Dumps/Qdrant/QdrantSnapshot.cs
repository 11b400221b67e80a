namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>A snapshot of a collection.</summary>
/// <param name="Name">Name of its file, which the server chooses.</param>
/// <param name="Size">Length of the file in bytes.</param>
/// <param name="Checksum">Its SHA-256, hexadecimal; null where the server does not say.</param>
sealed record QdrantSnapshot(string? Name, long Size, string? Checksum);
