namespace Pitr.Postgres.Cluster;

/// <summary>How a recovery came to its end.</summary>
public enum RecoveryEnd
{
    /// <summary>Out of recovery, on a new timeline (or after plain crash recovery): reads and writes.</summary>
    Promoted,

    /// <summary>The target is reached and replay waits for pg_wal_replay_resume(); read-only.</summary>
    Paused,

    /// <summary>The target is reached and the server has shut down as recovery_target_action asked.</summary>
    ShutDown,
}
