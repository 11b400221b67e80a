namespace Pitr.Operations.Groups;

/// <summary>One thing that is replaced: a database or a directory.</summary>
/// <param name="Place">Its name.</param>
/// <param name="Aside">The name under which what was there is kept.</param>
/// <param name="Beside">The name under which what is restored is made first; the same as <paramref name="Place"/> where it is made in its place.</param>
/// <param name="Undone">The name under which what was restored is kept when it is rolled back after it has been in use.</param>
/// <param name="Existed">Whether there was anything before.</param>
public sealed record ComponentMove(string Place, string Aside, string Beside, string Undone, bool Existed)
{
    /// <summary>Absolute path of a file with what cannot be moved and is made anew on the way back; null where everything can be moved.</summary>
    public string? Code { get; init; }

    /// <summary>Default character set of what was there, of kind mysql.</summary>
    public string? CharacterSet { get; init; }

    /// <summary>Default collation of what was there, of kind mysql.</summary>
    public string? Collation { get; init; }

    /// <summary>Second names of what was there, of kind qdrant.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}
