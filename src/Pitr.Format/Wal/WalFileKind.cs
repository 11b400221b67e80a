namespace Pitr.Format.Wal;

/// <summary>What PostgreSQL hands to its archive_command.</summary>
public enum WalFileKind
{
    /// <summary>A whole segment, <c>0000000100000000000000A1</c>.</summary>
    Segment,

    /// <summary>The last, unfinished segment of an old timeline, archived at promotion: <c>….partial</c>.</summary>
    Partial,

    /// <summary>Timeline history, <c>00000002.history</c>.</summary>
    History,

    /// <summary>Backup history, <c>000000010000000000000002.00000028.backup</c>.</summary>
    BackupHistory,
}
