using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Catalogs;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Postgres.Wal.Footprints;

/// <summary>
/// Follows transactions through a run of WAL and says of each that ends what it did to relations and databases. A commit names the files
/// that go with it, not why: that is taken from the rows of pg_class the transaction deleted (DROP) or gave other files (TRUNCATE, rewrites).
/// </summary>
/// <param name="majorVersion">PostgreSQL's, 14 to 18.</param>
public sealed class FootprintTracker(int majorVersion)
{
    readonly CatalogTracker _catalogs = new(majorVersion);
    readonly Dictionary<uint, TransactionState> _running = [];
    readonly Dictionary<uint, Lsn> _invalidDatabases = [];

    /// <summary>Which kinds of events it needs.</summary>
    public const WalEventKinds Needs = WalEventKinds.TransactionEnds | WalEventKinds.Files | WalEventKinds.Catalogs;

    /// <summary>Forgets everything that was seen: after a gap in the WAL it may no longer be so.</summary>
    public void Break()
    {
        _catalogs.Clear();
        _running.Clear();
        _invalidDatabases.Clear();
    }

    /// <summary>Takes the next event.</summary>
    /// <returns>The transaction that ends with it; null when none does.</returns>
    public WalTransaction? Apply(WalEvent found)
    {
        switch (found)
        {
            case WalCatalogPage page:
                _catalogs.Apply(page);
                break;
            case WalCatalogChange change:
                Apply(change);
                break;
            case WalFileCreated created when created.Transaction != 0:
                Of(created.Transaction).Created.Add(created.File);
                break;
            case WalFileTruncated cut when cut.Transaction != 0:
                Of(cut.Transaction).Cut.Add(cut.File);
                break;
            case WalTablesTruncated truncated:
                Of(truncated.Transaction).Truncated.AddRange(truncated.Relations.Select(oid => (truncated.Database, oid)));
                break;
            case WalDatabaseDropped dropped:
                Of(dropped.Transaction).RemovedDatabases.Add((dropped.Position, dropped.Database));
                break;
            case WalTransactionEnd end:
                return Finish(end);
        }

        return null;
    }

    void Apply(WalCatalogChange change)
    {
        var (before, after) = _catalogs.Apply(change);
        switch (change.Table)
        {
            case CatalogTable.Class when change.Kind == CatalogChangeKind.Delete && _catalogs.ReadRelation(before) is { } dropped:
                Of(change.Transaction).Dropped.Add((change.Database, dropped));
                break;
            case CatalogTable.Class when change.Kind == CatalogChangeKind.Update
                && _catalogs.ReadRelation(before) is { } old && _catalogs.ReadRelation(after) is { } moved && old.Oid == moved.Oid && old.File != moved.File:
                Of(change.Transaction).Moved.Add((change.Database, old, moved));
                break;
            case CatalogTable.Database when change.Kind == CatalogChangeKind.Delete:
                var named = before is null ? null : CatalogRow.ReadName(before);
                Of(change.Transaction).DroppedDatabases.Add((named?.Oid, named?.Name));
                break;
            case CatalogTable.Database when change.Kind == CatalogChangeKind.InPlace
                && after is not null && CatalogRow.IsInvalidDatabase(after, majorVersion) && CatalogRow.ReadName(after) is { } doomed:
                // The transaction of DROP DATABASE may have no id yet.
                _invalidDatabases.TryAdd(doomed.Oid, change.Position);
                break;
        }
    }

    TransactionState Of(uint transaction)
    {
        if (!_running.TryGetValue(transaction, out var state))
        {
            _running[transaction] = state = new TransactionState();
        }

        return state;
    }

    WalTransaction? Finish(WalTransactionEnd end)
    {
        _running.Remove(end.Transaction, out var state);
        state ??= new TransactionState();
        foreach (var subtransaction in end.Subtransactions)
        {
            if (_running.Remove(subtransaction, out var its))
            {
                state.Add(its);
            }
        }

        // What is removed at once stays removed, even if the transaction fails then; all else comes with the commit.
        var footprints = new FootprintReader(_catalogs, end, state).Read();
        var removed = footprints.Where(f => f.Kind == FootprintKind.DatabaseDrop).Select(f => f.Database).ToHashSet();
        var removedAt = state.RemovedDatabases.Where(r => removed.Contains(r.Database)).Select(r => r.Position)
            .Concat(removed.Where(_invalidDatabases.ContainsKey).Select(oid => _invalidDatabases[oid]));
        return new WalTransaction(end, footprints, removedAt.Append(end.Position).Min(), state.Created);
    }
}
