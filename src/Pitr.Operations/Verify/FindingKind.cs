namespace Pitr.Operations.Verify;

/// <summary>What is wrong with something that is stored.</summary>
public enum FindingKind
{
    /// <summary>No repository has the WAL, and recovery needs it: WAL before and after it is archived, or a backup is not consistent without it.</summary>
    Gap,

    /// <summary>A repository lacks what it must hold, and does not know that it is owed it: something refers to it, or another repository has it.</summary>
    Missing,

    /// <summary>It was changed, cut short or continued since it was stored.</summary>
    Damaged,

    /// <summary>It is whole, and not what its name says, or contradicts what it belongs to.</summary>
    WrongContent,

    /// <summary>It is another cluster's.</summary>
    Foreign,

    /// <summary>Two copies have different content.</summary>
    Differs,

    /// <summary>Pages or records of WAL do not hang together or have a wrong checksum, in a segment or where it meets the one before it.</summary>
    BrokenChain,

    /// <summary>A timeline history is missing, or contradicts another.</summary>
    History,

    /// <summary>No key opens it, so nothing can be said about it.</summary>
    NoKey,

    /// <summary>It lies among the WAL and is none.</summary>
    NotWal,

    /// <summary>Its name is none that pitr gives.</summary>
    UnexpectedName,

    /// <summary>It is clear text or anything else, and must be sealed where it lies.</summary>
    NotSealed,

    /// <summary>It was written in a newer format than this version reads, or a bit makes it look so.</summary>
    NewerFormat,

    /// <summary>It belongs to a service that the repository does not know.</summary>
    UnknownService,

    /// <summary>A process that is long gone did not finish it.</summary>
    Leftover,

    /// <summary>It is a link, a socket or the like, and no file.</summary>
    NotRegular,

    /// <summary>Another user owns it than the repository's directory.</summary>
    ForeignOwner,

    /// <summary>Others may read it, or others than its owner may write it.</summary>
    Exposed,
}
