namespace Pitr.Operations.Extract;

/// <summary>A relation that was taken out.</summary>
/// <param name="Schema">Its schema, which is the new one if it was moved.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">table, view, materialized view, foreign table, sequence.</param>
/// <param name="Rows">How many rows it has by itself; null for what is no plain table, or could not be counted.</param>
/// <param name="Bytes">What it takes on disk, without indexes.</param>
public sealed record ExtractedRelation(string Schema, string Name, string Kind, long? Rows, long Bytes);
