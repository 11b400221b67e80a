using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A checkpoint: every page changed after its redo position comes whole in the WAL the first time (full_page_writes).</summary>
/// <param name="Position">Where its record begins.</param>
/// <param name="Redo">Where recovery from it begins.</param>
public sealed record WalCheckpoint(Lsn Position, Lsn Redo) : WalEvent(Position);
