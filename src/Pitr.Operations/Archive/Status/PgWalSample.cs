using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Archive.Status;

/// <summary>How far WAL is written, and what keeps it in pg_wal, at one moment.</summary>
/// <param name="At">The moment.</param>
/// <param name="Position">End of the written WAL.</param>
/// <param name="Content">What lies in pg_wal.</param>
/// <param name="Slots">The server's replication slots; empty when it was not asked.</param>
public sealed record PgWalSample(DateTimeOffset At, Lsn Position, PgWalContent Content, IReadOnlyList<ReplicationSlot> Slots);
