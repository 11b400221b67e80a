using Pitr.Format.Wal;

namespace Pitr.Postgres.Sessions;

/// <summary>A row of pg_replication_slots, as far as it says which WAL the slot keeps.</summary>
/// <param name="Name">The slot's name.</param>
/// <param name="Kind">physical or logical.</param>
/// <param name="IsActive">Somebody is connected to it.</param>
/// <param name="RestartLsn">Oldest WAL the slot still needs; null when it keeps none.</param>
/// <param name="WalStatus">
/// reserved: within max_wal_size; extended: kept beyond that; unreserved: may be removed at the next checkpoint; lost: removed. Null without <paramref name="RestartLsn"/>.
/// </param>
/// <param name="SafeWalSize">Bytes that may be written before the slot is in danger of being lost; null when it never is (max_slot_wal_keep_size = -1) or is already.</param>
public sealed record ReplicationSlot(string Name, string Kind, bool IsActive, Lsn? RestartLsn, string? WalStatus, long? SafeWalSize);
