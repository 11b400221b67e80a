using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A relation got new files (xl_smgr_create, main fork).</summary>
/// <param name="Position">Where its record begins.</param>
/// <param name="Transaction">Which transaction made them, 0 for none.</param>
/// <param name="File">The files.</param>
public sealed record WalFileCreated(Lsn Position, uint Transaction, RelationFile File) : WalEvent(Position);
