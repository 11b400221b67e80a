using Pitr.Operations.Verify;

namespace Pitr.Operations.Repositories.Belonging;

/// <summary>What was found when a repository was looked over for what does not belong there.</summary>
public sealed record BelongingReport
{
    /// <summary>Objects seen.</summary>
    public required long Objects { get; init; }

    /// <summary>Of them, those whose beginning was read.</summary>
    public required long HeadsRead { get; init; }

    /// <summary>Objects under names that were allowed.</summary>
    public required long Allowed { get; init; }

    /// <summary>Unfinished objects that are young: somebody may be writing them now.</summary>
    public required long Unfinished { get; init; }

    /// <summary>How many findings there are of each kind that there is.</summary>
    public required IReadOnlyList<(FindingKind Kind, long Count)> Counts { get; init; }

    /// <summary>The first findings of each kind, <see cref="BelongingOptions.MostOfKind"/> at most.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>How many objects or directories could not be looked at.</summary>
    public required long Unknown { get; init; }

    /// <summary>The first of them, each with the reason.</summary>
    public required IReadOnlyList<(string Name, string Reason)> Unknowns { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Took { get; init; }

    /// <summary>How many findings there are.</summary>
    public long FindingCount => Counts.Sum(c => c.Count);

    /// <summary>Everything was looked at, and all of it belongs there.</summary>
    public bool Passed => FindingCount == 0 && Unknown == 0;
}
