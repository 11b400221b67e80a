using Pitr.Format.Wal;

namespace Pitr.Postgres.Replication;

/// <summary>A row of pg_replication_slots.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsPhysical">Physical, not logical.</param>
/// <param name="IsTemporary">Gone with the session that made it.</param>
/// <param name="ActivePid">The walsender that uses it; null while nobody does.</param>
/// <param name="RestartLsn">WAL from here on is kept; null when the slot has never reserved any, or has lost it.</param>
/// <param name="WalStatus">reserved, extended, unreserved or lost; null when nothing is reserved.</param>
/// <param name="SafeWalSize">Bytes that can still be written before the slot may lose WAL; null without max_slot_wal_keep_size.</param>
public sealed record ReplicationSlot(string Name, bool IsPhysical, bool IsTemporary, int? ActivePid, Lsn? RestartLsn, string? WalStatus, long? SafeWalSize)
{
    /// <summary>WAL it should have kept is gone: it can never be used again.</summary>
    public bool IsLost => WalStatus == "lost";
}
