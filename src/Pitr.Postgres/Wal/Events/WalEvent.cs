using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>Something in the WAL that is worth telling: a transaction's end, a restore point, files made or removed, a changed catalog row.</summary>
/// <param name="Position">Where its record begins.</param>
public abstract record WalEvent(Lsn Position);
