namespace Pitr.Operations.Restore.InPlace;

/// <summary>How far a restore in place has come; each begins when it is durable in the journal.</summary>
public enum InPlacePhase
{
    /// <summary>The old server is being stopped; nothing has been moved.</summary>
    Stopping,

    /// <summary>Some of the old cluster's directories are aside.</summary>
    Moving,

    /// <summary>All of them are aside, and the new cluster is being written.</summary>
    Restoring,

    /// <summary>The new cluster is whole; it is being started, and recovers.</summary>
    Starting,

    /// <summary>The new cluster has recovered, the old one is kept aside.</summary>
    Done,
}
