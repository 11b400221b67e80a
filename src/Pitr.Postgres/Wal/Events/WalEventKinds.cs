namespace Pitr.Postgres.Wal.Events;

/// <summary>Which events a scan looks for; fewer are found faster.</summary>
[Flags]
public enum WalEventKinds
{
    None = 0,
    TransactionEnds = 1,
    RestorePoints = 2,
    Checkpoints = 4,

    /// <summary>Files of relations made and cut, databases removed, tables truncated.</summary>
    Files = 8,

    /// <summary>Pages and rows of the system catalogs.</summary>
    Catalogs = 16,

    /// <summary>Tablespaces made.</summary>
    Tablespaces = 32,

    All = TransactionEnds | RestorePoints | Checkpoints | Files | Catalogs | Tablespaces,
}
