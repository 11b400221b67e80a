namespace Pitr.Operations.Repositories.Belonging;

/// <summary>How a repository is looked over.</summary>
public sealed record BelongingOptions
{
    /// <summary>So many of each kind of finding are kept; all are counted.</summary>
    public const int MostOfKind = 50;

    /// <summary>Objects whose beginning is read at once, 1 or more.</summary>
    public int Jobs { get; init; } = 8;

    /// <summary>Only names are looked at, no object is read.</summary>
    public bool NamesOnly { get; init; }

    /// <summary>Beginnings of keys that somebody has put there on purpose.</summary>
    public IReadOnlyList<string> Allowed { get; init; } = [];
}
