using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A database's directory was removed (xl_dbase_drop_rec): DROP DATABASE, or ALTER DATABASE … SET TABLESPACE.</summary>
/// <param name="Position">Where its record begins. The files are gone when it is replayed, before the transaction commits.</param>
/// <param name="Transaction">Which transaction did it.</param>
/// <param name="Database">The database's OID.</param>
public sealed record WalDatabaseDropped(Lsn Position, uint Transaction, uint Database) : WalEvent(Position);
