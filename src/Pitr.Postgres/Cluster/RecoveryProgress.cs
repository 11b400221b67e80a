using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>How far a recovering server has come. What it does not tell yet is null.</summary>
/// <param name="LastReplayed">End of the last record replayed; known once the server accepts connections (hot standby).</param>
/// <param name="LastCommit">Time of the last transaction replayed, committed or aborted.</param>
/// <param name="LastRestored">Last WAL file that restore_command brought, from the log.</param>
/// <param name="AcceptsConnections">The cluster is consistent and answers queries while it recovers.</param>
public readonly record struct RecoveryProgress(Lsn? LastReplayed, DateTimeOffset? LastCommit, WalFileName? LastRestored, bool AcceptsConnections);
