using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A relation's files were cut (xl_smgr_truncate). VACUUM does that when the end of a table is empty.</summary>
/// <param name="Position">Where its record begins. What it cuts off is gone when it is replayed, whatever becomes of the transaction.</param>
/// <param name="Transaction">Which transaction did it, 0 for none.</param>
/// <param name="File">The files.</param>
/// <param name="Blocks">How many pages are left.</param>
public sealed record WalFileTruncated(Lsn Position, uint Transaction, RelationFile File, uint Blocks) : WalEvent(Position);
