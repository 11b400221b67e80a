namespace Pitr.Operations.Archive.Status;

/// <summary>Something that is wrong, or not known.</summary>
/// <param name="Name">What it is, for programs: docs/json.md has the list.</param>
/// <param name="Text">What it is, for people.</param>
/// <param name="Hint">What to do next, or null.</param>
public sealed record WalProblem(string Name, string Text, string? Hint);
