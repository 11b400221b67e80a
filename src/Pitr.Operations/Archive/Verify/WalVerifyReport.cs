namespace Pitr.Operations.Archive.Verify;

/// <summary>What a verification did and found.</summary>
/// <param name="Segments">Segments that were to be verified.</param>
/// <param name="Repositories">What was verified of each repository, in configured order.</param>
/// <param name="Findings">What is wrong, at most <see cref="WalFindings.Most"/>.</param>
/// <param name="FindingCount">How many there are.</param>
/// <param name="Took">How long it took.</param>
public sealed record WalVerifyReport(
    long Segments, IReadOnlyList<VerifiedRepository> Repositories, IReadOnlyList<WalFinding> Findings, long FindingCount, TimeSpan Took)
{
    /// <summary>Nothing is wrong, and everything could be asked.</summary>
    public bool Passed => FindingCount == 0 && Repositories.All(r => r.Unanswered is null);
}
