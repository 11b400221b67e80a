using Pitr.Operations.Errors;

namespace Pitr.Operations.Archive.Search;

/// <summary>What to look for in the archived WAL, and where.</summary>
/// <param name="From">Where to begin; null for the beginning of the archive.</param>
/// <param name="To">Where to end, itself included; null for the end of the archive.</param>
/// <param name="Kinds">What to look for.</param>
/// <param name="Relation">Only what was done to this relation: its name, or schema.name; null for all.</param>
/// <param name="Limit">How many findings are kept, the newest; at least 1.</param>
/// <param name="Timeline">"latest" or a timeline number.</param>
/// <param name="AskServer">Whether the live server is asked for names that the WAL does not tell.</param>
public sealed record WalSearchRequest(WalMoment? From, WalMoment? To, WalSearchKinds Kinds, string? Relation, int Limit, string Timeline = "latest", bool AskServer = true)
{
    /// <summary>Whether catalogs must be followed to tell what happened.</summary>
    public bool NeedsNames => (Kinds & ~WalSearchKinds.RestorePoint) != WalSearchKinds.None || Relation is not null;

    /// <summary>Refuses what makes no sense.</summary>
    /// <exception cref="RefusedInputException">The end is before the beginning.</exception>
    public void RequireSense()
    {
        if (From?.Time > To?.Time || From?.Lsn > To?.Lsn)
        {
            throw new RefusedInputException($"the search would end before it begins: from {From} to {To}", "exchange --from and --to");
        }
    }
}
