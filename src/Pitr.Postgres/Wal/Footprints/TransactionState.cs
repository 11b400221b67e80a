using Pitr.Format.Wal;
using Pitr.Postgres.Wal.Catalogs;

namespace Pitr.Postgres.Wal.Footprints;

/// <summary>What a running transaction, or subtransaction, has done so far.</summary>
sealed class TransactionState
{
    /// <summary>Rows of pg_class it deleted; null for one that is not known.</summary>
    public List<(uint Database, RelationRow Row)> Dropped { get; } = [];

    /// <summary>Rows of pg_class that got other files.</summary>
    public List<(uint Database, RelationRow Before, RelationRow After)> Moved { get; } = [];

    public HashSet<RelationFile> Created { get; } = [];

    public List<RelationFile> Cut { get; } = [];

    public List<(uint Database, uint Oid)> Truncated { get; } = [];

    public List<(Lsn Position, uint Database)> RemovedDatabases { get; } = [];

    /// <summary>Databases whose rows it deleted, null where the row is not known.</summary>
    public List<(uint? Oid, string? Name)> DroppedDatabases { get; } = [];

    /// <summary>Takes over what a subtransaction did.</summary>
    public void Add(TransactionState other)
    {
        Dropped.AddRange(other.Dropped);
        Moved.AddRange(other.Moved);
        Created.UnionWith(other.Created);
        Cut.AddRange(other.Cut);
        Truncated.AddRange(other.Truncated);
        RemovedDatabases.AddRange(other.RemovedDatabases);
        DroppedDatabases.AddRange(other.DroppedDatabases);
    }
}
