namespace Pitr.Operations.Dumps;

/// <summary>What of a dump is brought back, and where to.</summary>
/// <param name="Database">The only database; null for all there are.</param>
/// <param name="Into">The name it gets; null for the one it had. Only with one database.</param>
public sealed record DumpSelection(string? Database, string? Into)
{
    /// <summary>The only tables.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>The only schemas.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];

    /// <summary>Whether roles and tablespaces are made first.</summary>
    public bool Globals { get; init; }

    /// <summary>Whether what is there under the same names is dropped first.</summary>
    public bool Drop { get; init; }

    /// <summary>A new directory for what is a file.</summary>
    public string? Directory { get; init; }

    /// <summary>No tablespaces are made or used: they are directories outside of the server. For a server that is thrown away.</summary>
    public bool WithoutTablespaces { get; init; }

    /// <summary>Everything belongs to the role that connects.</summary>
    public bool NoOwner { get; init; }
}
