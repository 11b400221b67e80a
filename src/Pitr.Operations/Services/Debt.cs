namespace Pitr.Operations.Services;

/// <summary>One object that a repository lacks although it is acknowledged.</summary>
/// <param name="Key">The object.</param>
/// <param name="Since">When it was written down.</param>
public sealed record Debt(string Key, DateTimeOffset Since);
