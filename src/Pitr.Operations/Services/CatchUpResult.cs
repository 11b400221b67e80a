namespace Pitr.Operations.Services;

/// <summary>What became of the debts to one repository.</summary>
/// <param name="Repository">Its name.</param>
/// <param name="Paid">Objects it has been given, or that are in no repository any more.</param>
/// <param name="Left">Objects it still lacks.</param>
/// <param name="Reason">Why, as a message; null when nothing is left.</param>
public sealed record CatchUpResult(string Repository, int Paid, int Left, string? Reason);
