using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Events;

/// <summary>A row of a system catalog was inserted, updated or deleted (xl_heap_insert, xl_heap_update, xl_heap_delete, xl_heap_inplace).</summary>
/// <param name="Position">Where the record begins.</param>
/// <param name="Transaction">Which transaction, or subtransaction, did it.</param>
/// <param name="Kind">What was done.</param>
/// <param name="Table">Which catalog.</param>
/// <param name="Database">OID of the database, 0 for a shared catalog.</param>
/// <param name="Block">Page of the row; after an update of the new one.</param>
/// <param name="Offset">Line pointer of the row; after an update of the new one.</param>
public sealed record WalCatalogChange(
    Lsn Position, uint Transaction, CatalogChangeKind Kind, CatalogTable Table, uint Database, uint Block, ushort Offset) : WalEvent(Position)
{
    /// <summary>Where the old row of an update lies.</summary>
    public (uint Block, ushort Offset) Old { get; init; }

    /// <summary>Bytes that an updated row takes over from the beginning of the old one.</summary>
    public int Prefix { get; init; }

    /// <summary>Bytes that an updated row takes over from the end of the old one.</summary>
    public int Suffix { get; init; }

    /// <summary>The row's data, without what is taken over; null when the record has the whole page instead.</summary>
    public byte[]? Data { get; init; }
}
