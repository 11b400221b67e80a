namespace Pitr.Operations.Restore;

/// <summary>What a restore does with what lies in its directory.</summary>
public enum RestoreMode
{
    /// <summary>There may be nothing but an unfinished restore.</summary>
    New,

    /// <summary>Files of the same cluster are compared with the backup, and what differs is written.</summary>
    Delta,

    /// <summary>Files of the same cluster are removed first.</summary>
    Overwrite,

    /// <summary>Files of the same cluster are moved aside before anything is written, by <see cref="InPlace.InPlaceRestore"/>.</summary>
    InPlace,
}
