namespace Pitr.Operations.Drill;

/// <summary>What a server answered to a query of the configuration, as far as it can be compared.</summary>
/// <param name="Columns">How many columns; 0: the statement gives no rows at all.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Value">The first value of the first row, as text; null for NULL.</param>
/// <param name="IsSeveral">Whether there was a second answer.</param>
sealed record SqlAnswer(int Columns, long Rows, string? Value, bool IsSeveral = false);
