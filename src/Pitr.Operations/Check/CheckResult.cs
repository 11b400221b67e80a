namespace Pitr.Operations.Check;

/// <summary>One line of `pitr check`.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Passed">Whether it is as it must be.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Fix">What to do about it; null when it passed.</param>
public sealed record CheckResult(string Name, bool Passed, string Detail, string? Fix);
