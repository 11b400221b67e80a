namespace Pitr.Postgres.Recovery;

public enum RecoveryTargetKind
{
    /// <summary>To the end of the archived WAL.</summary>
    Latest,

    /// <summary>As soon as the backup is consistent.</summary>
    Immediate,
    Time,
    Lsn,
    Xid,

    /// <summary>A restore point made with pg_create_restore_point().</summary>
    Name,
}
