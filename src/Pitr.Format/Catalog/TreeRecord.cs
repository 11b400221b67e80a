namespace Pitr.Format.Catalog;

/// <summary>What a backup of kind files holds.</summary>
public sealed record TreeRecord
{
    static readonly TreeProblem[] NoProblems = [];

    /// <summary>The directories and files it began at, absolute.</summary>
    public required IReadOnlyList<string> Roots { get; init; }

    /// <summary>Directories.</summary>
    public int Directories { get; init; }

    /// <summary>Symbolic links.</summary>
    public int Links { get; init; }

    /// <summary>Further names of files.</summary>
    public int HardLinks { get; init; }

    /// <summary>Named pipes and devices.</summary>
    public int Specials { get; init; }

    /// <summary>Sockets, which are noted and not restored.</summary>
    public int Sockets { get; init; }

    /// <summary>Files that were not read again, because nothing had changed since the last backup.</summary>
    public int Unchanged { get; init; }

    /// <summary>Files that changed while they were read, twice: stored as they were read.</summary>
    public int Changed { get; init; }

    /// <summary>Files that were gone when they were to be read.</summary>
    public int Vanished { get; init; }

    /// <summary>Files and directories that could not be read: what is missing in the backup.</summary>
    public int Unreadable { get; init; }

    /// <summary>Which those are, the first hundred.</summary>
    // Generated readers set a missing member to null, past the initializer.
    public IReadOnlyList<TreeProblem> Problems { get; init => field = value ?? NoProblems; } = NoProblems;

    /// <summary>What it holds of the systemd journal; null when it was not asked for.</summary>
    public JournalRecord? Journal { get; init; }
}
