namespace Pitr.Operations.Archive.Verify;

/// <summary>What was verified of one repository.</summary>
/// <param name="Name">The repository.</param>
/// <param name="Unanswered">Why it could not be asked, or not to the end; null when it was.</param>
/// <param name="Objects">Objects that were fetched and opened.</param>
/// <param name="Bytes">Their content, in bytes.</param>
/// <param name="Owed">Objects that it lacks and knows that it is owed.</param>
public sealed record VerifiedRepository(string Name, string? Unanswered, long Objects, long Bytes, long Owed)
{
    /// <summary>How many of the objects were pieces of segments that it does not hold whole.</summary>
    public long Pieces { get; init; }
}
