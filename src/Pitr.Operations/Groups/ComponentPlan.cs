namespace Pitr.Operations.Groups;

/// <summary>How one service will be brought back; everything that can be refused beforehand has been, and every object it needs was read.</summary>
/// <param name="Record">What the journal will know of it.</param>
/// <param name="Moment">The moment whose state it will have; null where that is not known.</param>
/// <param name="Bytes">Bytes that are restored.</param>
/// <param name="Why">Why this backup, in words.</param>
/// <param name="Steps">What will be done, in sentences.</param>
public sealed record ComponentPlan(ComponentRecord Record, DateTimeOffset? Moment, long Bytes, string Why, IReadOnlyList<string> Steps)
{
    /// <summary>What somebody should know, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
