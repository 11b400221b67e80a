using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>What a running server says about the WAL it writes and keeps.</summary>
/// <param name="Now">The server's clock.</param>
/// <param name="Position">Written so far or, in recovery, replayed so far.</param>
/// <param name="InRecovery">A standby, or a server that is being recovered.</param>
/// <param name="ArchiveMode">off, on or always.</param>
/// <param name="Archiver">pg_stat_archiver.</param>
/// <param name="Slots">By name.</param>
/// <param name="MaxSlotWalKeepBytes">max_slot_wal_keep_size in bytes; null for -1, without a limit.</param>
/// <param name="MaxWalBytes">max_wal_size in bytes: pg_wal grows to about this by itself.</param>
/// <param name="ArchiveTimeout">archive_timeout; zero when off.</param>
public sealed record ServerWal(
    DateTimeOffset Now,
    Lsn Position,
    bool InRecovery,
    string ArchiveMode,
    ArchiverState Archiver,
    IReadOnlyList<ReplicationSlot> Slots,
    long? MaxSlotWalKeepBytes,
    long MaxWalBytes,
    TimeSpan ArchiveTimeout)
{
    /// <summary>This server hands its WAL to archive_command (or an archive module).</summary>
    public bool IsArchiving => ArchiveMode == "always" || (ArchiveMode == "on" && !InRecovery);
}
