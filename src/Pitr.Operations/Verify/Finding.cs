namespace Pitr.Operations.Verify;

/// <summary>Something that is wrong.</summary>
/// <param name="Kind">What.</param>
/// <param name="Repository">The repository; null when it concerns all.</param>
/// <param name="Object">The object's key, or the WAL file's name where there is no object.</param>
/// <param name="Text">What is wrong with it.</param>
/// <param name="Hint">What to do next.</param>
public sealed record Finding(FindingKind Kind, string? Repository, string Object, string Text, string? Hint);
