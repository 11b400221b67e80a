namespace Pitr.Operations.Repositories.Validation;

/// <summary>Everything that was found out about a repository.</summary>
/// <param name="Results">One per promise, in the order they were tried.</param>
/// <param name="Rates">What was measured.</param>
/// <param name="Prefix">Where the objects of the validation lay.</param>
/// <param name="LeftBehind">Keys that could not be removed; normally none.</param>
public sealed record ValidationReport(IReadOnlyList<ValidationResult> Results, ValidationRates Rates, string Prefix, IReadOnlyList<string> LeftBehind)
{
    /// <summary>Whether no promise was broken and nothing was left behind.</summary>
    public bool Passed => LeftBehind.Count == 0 && Results.All(result => result.Verdict != ValidationVerdict.Broken);
}
