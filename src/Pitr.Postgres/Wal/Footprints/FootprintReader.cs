using System.Globalization;
using Pitr.Postgres.Wal.Catalogs;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Postgres.Wal.Footprints;

/// <summary>Makes footprints of what a transaction did, when it ends.</summary>
sealed class FootprintReader(CatalogTracker catalogs, WalTransactionEnd end, TransactionState state)
{
    // FirstNormalObjectId (src/include/access/transam.h): below it are the system's own relations, which nobody can drop.
    const uint FirstUserObject = 16384;
    const string TransientName = "pg_temp_";

    /// <summary>What it did, each thing once.</summary>
    public IReadOnlyList<WalFootprint> Read() => [.. ReadAll().Select(f => f.DatabaseName is null ? f with { DatabaseName = catalogs.DatabaseName(f.Database) } : f)];

    List<WalFootprint> ReadAll()
    {
        var found = new List<WalFootprint>();
        found.AddRange(ReadDatabases());
        found.AddRange(state.Cut.Where(f => !state.Created.Contains(f)).Distinct().Select(f => new WalFootprint(FootprintKind.FileTruncate, f.Database, File: f)));
        if (!end.IsCommit)
        {
            return found;
        }

        foreach (var file in end.DroppedFiles.Where(f => !state.Created.Contains(f)))
        {
            found.Add(ReadFile(file));
        }

        found.AddRange(ReadDropsWithoutFiles(found));
        found.AddRange(state.Truncated.Where(t => !found.Exists(f => f.Database == t.Database && f.Oid == t.Oid))
            .Select(t => new WalFootprint(FootprintKind.Truncate, t.Database, Oid: t.Oid)));
        return found;
    }

    IEnumerable<WalFootprint> ReadDatabases()
    {
        // Without a deleted row it is a database that moved to another tablespace.
        if (state.DroppedDatabases.Count == 0)
        {
            return [];
        }

        return state.RemovedDatabases.Select(r => r.Database).Distinct().Select(oid => new WalFootprint(
            FootprintKind.DatabaseDrop, oid, state.DroppedDatabases.FirstOrDefault(d => d.Oid == oid).Name));
    }

    WalFootprint ReadFile(RelationFile file)
    {
        foreach (var (database, before, after) in state.Moved)
        {
            if (database == file.Database && before.File == file.Number)
            {
                return Of(IsRewrite(database, before, after) ? FootprintKind.Rewrite : FootprintKind.Truncate, database, before, file);
            }
        }

        foreach (var (database, row) in state.Dropped)
        {
            if (database == file.Database && row.File == file.Number)
            {
                return IsPartOfRewrite(row) ? new WalFootprint(FootprintKind.Rewrite, database, File: file) : Of(FootprintKind.Drop, database, row, file);
            }
        }

        return new WalFootprint(Guess(file), file.Database, File: file);
    }

    // The row is not known. What the transaction says besides may still tell what it was.
    FootprintKind Guess(RelationFile file)
    {
        if (file.Number < FirstUserObject || state.Dropped.Exists(d => IsTransient(d.Row)))
        {
            return FootprintKind.Rewrite;
        }

        if (state.Truncated.Count > 0)
        {
            return FootprintKind.Truncate;
        }

        return state.Created.Count == 0 ? FootprintKind.Drop : FootprintKind.FilesRemoved;
    }

    bool IsRewrite(uint database, RelationRow before, RelationRow after) =>
        before.Kind is 'i' or 'I' or 'S'
            ? !state.Moved.Exists(m => m.Database == database && m.Before.Kind is 'r' or 'm' && !IsRewrite(database, m.Before, m.After))
            : before.Tablespace != after.Tablespace
                || (before.Kind == 't' ? state.Dropped.Exists(d => IsTransient(d.Row)) : HasTransient(database, before.Oid));

    // make_new_heap() of src/backend/commands/cluster.c: the copy has this name until it has changed places with the relation.
    bool HasTransient(uint database, uint oid) => state.Dropped.Exists(
        d => d.Database == database && d.Row.Name == string.Create(CultureInfo.InvariantCulture, $"{TransientName}{oid}"));

    // With the copy go the old TOAST table and the old indexes.
    bool IsPartOfRewrite(RelationRow row) => IsTransient(row) || (row.Kind is 't' or 'i' && state.Dropped.Exists(d => IsTransient(d.Row)));

    static bool IsTransient(RelationRow row) =>
        row.Name.StartsWith(TransientName, StringComparison.Ordinal) && row.Name.AsSpan(TransientName.Length).IndexOfAnyExceptInRange('0', '9') < 0;

    // Views, partitioned and foreign tables have no files; rows of temporary relations are deleted at each session's end.
    IEnumerable<WalFootprint> ReadDropsWithoutFiles(List<WalFootprint> found) => state.Dropped
        .Where(d => d.Row is { File: 0, Kind: 'p' or 'v' or 'f' or 'm' or 'r' } && d.Row.Persistence != 't')
        .Select(d => Of(FootprintKind.Drop, d.Database, d.Row, null))
        .Where(f => !found.Exists(other => other.Database == f.Database && other.Oid == f.Oid))
        .ToArray();

    WalFootprint Of(FootprintKind kind, uint database, RelationRow row, RelationFile? file) =>
        new(kind, database, null, file, row.Oid, catalogs.NamespaceName(database, row.Namespace), row.Name, row.Kind);
}
