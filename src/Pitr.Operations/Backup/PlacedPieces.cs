namespace Pitr.Operations.Backup;

/// <summary>Pieces of one file in one record of a pack.</summary>
/// <param name="Path">The file, below the data directory.</param>
/// <param name="Pack">Number of the pack.</param>
/// <param name="Record">Index of the record in the pack.</param>
/// <param name="Offset">Where the record begins in the pack, in bytes.</param>
/// <param name="Length">Bytes the record has in the pack.</param>
/// <param name="Pieces">Three numbers for each: where it begins in the file, its bytes, and where it begins in the decoded record.</param>
sealed record PlacedPieces(string Path, int Pack, int Record, long Offset, int Length, long[] Pieces);
