namespace Pitr.Operations.Archive.Search;

/// <summary>What a search looks for.</summary>
[Flags]
public enum WalSearchKinds
{
    None = 0,

    /// <summary>Named restore points.</summary>
    RestorePoint = 1,

    /// <summary>Relations dropped.</summary>
    Drop = 2,

    /// <summary>Tables emptied by TRUNCATE.</summary>
    Truncate = 4,

    /// <summary>Files removed for a reason that is not known.</summary>
    FilesRemoved = 8,

    /// <summary>Databases dropped.</summary>
    DatabaseDrop = 16,

    /// <summary>Relations whose rows were written into new files: VACUUM FULL and the like.</summary>
    Rewrite = 32,

    /// <summary>Tables that VACUUM made shorter.</summary>
    FileTruncate = 64,

    /// <summary>Every commit.</summary>
    Commit = 128,

    /// <summary>Everything that something is lost by.</summary>
    Destructive = Drop | Truncate | FilesRemoved | DatabaseDrop,

    /// <summary>What is looked for if nobody says otherwise.</summary>
    Default = Destructive | RestorePoint,

    All = Default | Rewrite | FileTruncate | Commit,
}
