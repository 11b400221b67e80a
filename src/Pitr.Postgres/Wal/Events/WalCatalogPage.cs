using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A whole page of a system catalog, as it is behind the record that has it.</summary>
/// <param name="Position">Where the record begins.</param>
/// <param name="Table">Which catalog.</param>
/// <param name="Database">OID of the database, 0 for a shared catalog.</param>
/// <param name="Block">Number of the page.</param>
/// <param name="Rows">Its rows by line pointer, dead ones as well: their data without the tuple header.</param>
public sealed record WalCatalogPage(
    Lsn Position, CatalogTable Table, uint Database, uint Block, IReadOnlyDictionary<ushort, byte[]> Rows) : WalEvent(Position);
