using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A tablespace was made (xl_tblspc_create_rec). Whoever replays it makes its directory anew, in the very same place, and everything that is replayed into the tablespace goes there.</summary>
/// <param name="Position">Where its record begins.</param>
/// <param name="Transaction">Which transaction did it.</param>
/// <param name="Tablespace">The tablespace's OID.</param>
/// <param name="Location">Absolute path; empty for one within the data directory (allow_in_place_tablespaces).</param>
public sealed record WalTablespaceCreated(Lsn Position, uint Transaction, uint Tablespace, string Location) : WalEvent(Position);
