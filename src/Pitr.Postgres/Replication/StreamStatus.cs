using Pitr.Format.Wal;

namespace Pitr.Postgres.Replication;

/// <summary>What the server says of a slot and of the stream that uses it.</summary>
/// <param name="RestartLsn">The server keeps WAL from here on; null when it keeps none for the slot.</param>
/// <param name="WalStatus">reserved, extended, unreserved or lost.</param>
/// <param name="SafeWalSize">Bytes that can still be written before the slot may lose WAL; null without a limit.</param>
/// <param name="SyncState">async, potential, sync or quorum; null when nobody streams, what streams has confirmed nothing yet, or the role may not see it.</param>
/// <param name="CurrentLsn">End of the WAL that the server has.</param>
/// <param name="SynchronousStandbyNames">The setting.</param>
/// <param name="MaxSlotWalKeepSize">The setting in bytes; null for no limit.</param>
public sealed record StreamStatus(
    Lsn? RestartLsn, string? WalStatus, long? SafeWalSize, string? SyncState, Lsn? CurrentLsn, string SynchronousStandbyNames, long? MaxSlotWalKeepSize)
{
    /// <summary>Whether commits may wait for this stream. While that cannot be seen, a server with synchronous standbys counts as one that waits.</summary>
    public bool IsSynchronous => SyncState is null ? SynchronousStandbyNames.Length > 0 : SyncState != "async";

    /// <summary>Bytes of WAL that the server keeps for the slot.</summary>
    public long RetainedBytes => RestartLsn is { } restart && CurrentLsn is { } current && current > restart ? (long)(current - restart) : 0;
}
