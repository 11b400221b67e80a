namespace Pitr.Operations.Repositories.Validation;

/// <summary>The verdict on one promise.</summary>
/// <param name="Promise">Short name, the same in every version: <c>whole-objects</c>.</param>
/// <param name="Title">The promise in words.</param>
/// <param name="Verdict">What was found.</param>
/// <param name="Detail">What was tried, or what went wrong, or what follows.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record ValidationResult(string Promise, string Title, ValidationVerdict Verdict, string Detail, TimeSpan Elapsed);
