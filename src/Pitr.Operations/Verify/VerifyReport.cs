namespace Pitr.Operations.Verify;

/// <summary>What the verification of a service did and found.</summary>
/// <param name="Repositories">Each repository's copy, in configured order.</param>
/// <param name="Findings">What is wrong, at most <see cref="Verify.Findings.Most"/>.</param>
/// <param name="FindingCount">How many there are.</param>
/// <param name="Took">How long it took.</param>
public sealed record VerifyReport(IReadOnlyList<VerifiedCopy> Repositories, IReadOnlyList<Finding> Findings, long FindingCount, TimeSpan Took)
{
    /// <summary>Nothing is wrong, and everything could be asked.</summary>
    public bool Passed => FindingCount == 0 && Repositories.All(r => r.Unanswered is null);
}
