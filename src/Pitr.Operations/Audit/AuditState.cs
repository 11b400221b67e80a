namespace Pitr.Operations.Audit;

/// <summary>What is known of something that has begun and whose end is not recorded.</summary>
public enum AuditState
{
    /// <summary>It runs on another host, or did, or a repository that may hold its end did not answer.</summary>
    Unknown,

    /// <summary>Its process runs on this host.</summary>
    Running,

    /// <summary>Its process is gone: it was killed, or no repository took the record of its end.</summary>
    Gone,
}
