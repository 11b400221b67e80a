using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Backup;

/// <summary>Where a backup lies in the WAL.</summary>
/// <param name="Label">What PostgreSQL wrote about its beginning.</param>
/// <param name="StopLsn">Where replay must at least arrive.</param>
/// <param name="StopWal">The segment of that.</param>
/// <param name="StopTime">When that was, or a little later.</param>
public sealed record BackupPositions(BackupLabel Label, Lsn StopLsn, WalSegmentName StopWal, DateTimeOffset StopTime);
