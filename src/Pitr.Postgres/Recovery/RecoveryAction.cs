namespace Pitr.Postgres.Recovery;

/// <summary>recovery_target_action: what the server does at the target.</summary>
public enum RecoveryAction
{
    Pause,
    Promote,
    Shutdown,
}
