namespace Pitr.Operations.Archive.Status;

/// <summary>What archiving does, in one word.</summary>
public enum WalArchiving
{
    /// <summary>It cannot be known: neither the server nor its files can be asked.</summary>
    Unknown,

    /// <summary>What is complete is archived, or is about to be.</summary>
    KeepsUp,

    /// <summary>Segments wait, and the archiver works on them.</summary>
    CatchesUp,

    /// <summary>The newest attempt failed.</summary>
    Fails,

    /// <summary>Segments wait for longer than allowed, and no failure is known.</summary>
    Stalls,

    /// <summary>archive_mode is off.</summary>
    Off,

    /// <summary>A standby with archive_mode = on: its primary archives.</summary>
    Standby,
}
