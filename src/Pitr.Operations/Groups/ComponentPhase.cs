namespace Pitr.Operations.Groups;

/// <summary>How far the restore of one service of a group has come; each begins when it is durable in the journal.</summary>
public enum ComponentPhase
{
    /// <summary>Nothing of it has been touched.</summary>
    Waiting,

    /// <summary>What is restored is being made beside what is there.</summary>
    Preparing,

    /// <summary>What was there is being moved aside.</summary>
    Moving,

    /// <summary>It is aside, and what is restored comes into its place.</summary>
    Restoring,

    /// <summary>What is restored is in its place, what was there is aside.</summary>
    Restored,

    /// <summary>What was there is in its place again.</summary>
    RolledBack,

    /// <summary>What was there has been removed.</summary>
    Confirmed,
}
