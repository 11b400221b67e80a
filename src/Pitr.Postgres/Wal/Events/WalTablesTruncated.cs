using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>TRUNCATE as wal_level = logical logs it (xl_heap_truncate); tells OIDs, which the commit does not.</summary>
/// <param name="Position">Where its record begins.</param>
/// <param name="Transaction">Which transaction did it.</param>
/// <param name="Database">The database's OID.</param>
/// <param name="Relations">The tables' OIDs.</param>
public sealed record WalTablesTruncated(Lsn Position, uint Transaction, uint Database, IReadOnlyList<uint> Relations) : WalEvent(Position);
