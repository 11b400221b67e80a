using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>What is archived, over all timelines, with what its headers tell.</summary>
/// <param name="Inventory">What is archived.</param>
/// <param name="Branches">Where each timeline begins, as far as its history could be read.</param>
/// <param name="BranchesUnknown">Why histories could not be read; null when all were.</param>
/// <param name="Gaps">What is missing in between.</param>
/// <param name="LastCommits">The last archived commit of each timeline that has one.</param>
public sealed record WalOverview(
    WalInventory Inventory,
    IReadOnlyDictionary<Timeline, WalBranch> Branches,
    string? BranchesUnknown,
    IReadOnlyList<DatedWalGap> Gaps,
    IReadOnlyDictionary<Timeline, DateTimeOffset> LastCommits)
{
    /// <summary>The gaps of one timeline.</summary>
    public IEnumerable<DatedWalGap> GapsOf(Timeline timeline) => Gaps.Where(g => g.Gap.First.Timeline == timeline);
}
