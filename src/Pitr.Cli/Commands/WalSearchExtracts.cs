using Pitr.Operations.Archive.Search;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Cli.Commands;

/// <summary>What `pitr extract` has to be told to bring back what a transaction removed, and no more than that.</summary>
static class WalSearchExtracts
{
    /// <summary>
    /// Options that name tables and their database, one list for each database, or the database alone when that is what is gone. Empty when no name is known, or nothing that is
    /// named can be dumped. A sequence is named only when no table of its database is: those that belong to a table come with it.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<string>> Options(WalSearchHit finding) =>
    [
        .. from footprint in finding.Footprints
           where footprint.Kind is FootprintKind.Drop or FootprintKind.Truncate or FootprintKind.DatabaseDrop
           let database = footprint.DatabaseName ?? (footprint.Database == finding.Database ? finding.DatabaseName : null)
           where database is not null
           group footprint by database into gone
           let options = Options(gone.Key, [.. gone])
           where options is not null
           select options,
    ];

    static string[]? Options(string database, IReadOnlyList<WalFootprint> gone)
    {
        string[] named = ["--database", database];
        if (gone.Any(f => f.Kind == FootprintKind.DatabaseDrop))
        {
            return named;
        }

        var relations = gone.Where(f => f is { Schema: not null, Name: not null }).ToArray();
        var tables = relations.Where(f => f.RelationKind is 'r' or 'p' or 'v' or 'm' or 'f').ToArray();
        string[] patterns = [.. (tables.Length > 0 ? tables : relations.Where(f => f.RelationKind is 'S')).Select(f => SqlText.Plain(f.Schema!, f.Name!)).Distinct(StringComparer.Ordinal)];
        return patterns.Length == 0 ? null : [.. named, .. patterns.SelectMany(pattern => new[] { "--table", pattern })];
    }
}
