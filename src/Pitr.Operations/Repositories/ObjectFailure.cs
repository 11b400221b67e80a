namespace Pitr.Operations.Repositories;

/// <summary>What went wrong with one object of many.</summary>
/// <param name="Key">The object.</param>
/// <param name="Error">Why; its message names the object.</param>
public sealed record ObjectFailure(string Key, Exception Error);
