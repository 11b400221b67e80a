namespace Pitr.Operations.Archive.Verify;

/// <summary>What is wrong with archived WAL.</summary>
public enum WalFindingKind
{
    /// <summary>No repository has it, and WAL before and after it is archived.</summary>
    Gap,

    /// <summary>One repository lacks what another has, and does not know that it is owed it.</summary>
    Missing,

    /// <summary>It was changed, cut short or continued since it was stored.</summary>
    Damaged,

    /// <summary>It is whole, and not what its name says.</summary>
    WrongContent,

    /// <summary>It is another cluster's.</summary>
    Foreign,

    /// <summary>Two repositories hold different content under one name.</summary>
    Differs,

    /// <summary>Its pages or records do not hang together or have a wrong checksum, in itself or where it meets the segment before it.</summary>
    BrokenChain,

    /// <summary>A timeline history is missing, or contradicts another.</summary>
    History,

    /// <summary>No key opens it, so nothing can be said about it.</summary>
    NoKey,

    /// <summary>It lies among the WAL and is none.</summary>
    NotWal,
}
