namespace Pitr.Operations.Drill;

/// <summary>How many rows a table of the recovered cluster has.</summary>
/// <param name="Database">Its database.</param>
/// <param name="Table">Schema and name, quoted as SQL needs it.</param>
/// <param name="Rows">Rows that were read.</param>
/// <param name="Before">Rows in the drill that it is compared with; null when that knows nothing of it.</param>
public sealed record TableRows(string Database, string Table, long Rows, long? Before = null);
