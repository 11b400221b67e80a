using Pitr.Operations.Verify;

namespace Pitr.Operations.Archive.Verify;

/// <summary>What a verification did and found.</summary>
/// <param name="Segments">Segments that were to be verified.</param>
/// <param name="Repositories">What was verified of each repository, in configured order.</param>
/// <param name="Findings">What is wrong, at most <see cref="Verify.Findings.Most"/>.</param>
/// <param name="FindingCount">How many there are.</param>
/// <param name="Took">How long it took.</param>
public sealed record WalVerifyReport(
    long Segments, IReadOnlyList<VerifiedRepository> Repositories, IReadOnlyList<Finding> Findings, long FindingCount, TimeSpan Took)
{
    /// <summary>How many copies in each repository were not fetched because they were verified lately, by name.</summary>
    public IReadOnlyDictionary<string, long> Fresh { get; init; } = new Dictionary<string, long>();

    /// <summary>Nothing is wrong, and everything could be asked.</summary>
    public bool Passed => FindingCount == 0 && Repositories.All(r => r.Unanswered is null);
}
