using Pitr.Operations.Configuration;
using Pitr.Postgres;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Operations.Archive.Search;

/// <summary>Asks the live server for names that the WAL did not tell: of databases, schemas, and relations that still exist.</summary>
sealed class LiveNames(PostgresServiceSettings settings)
{
    /// <summary>Fills in what the server knows; what it does not know stays null.</summary>
    /// <exception cref="ServerException">The server cannot be asked, or is another cluster.</exception>
    public async Task<IReadOnlyList<WalSearchHit>> ResolveAsync(IReadOnlyList<WalSearchHit> findings, ulong systemIdentifier, CancellationToken cancellation)
    {
        var connection = settings.RevealConnection();
        IReadOnlyDictionary<uint, string> databases;
        await using (var session = await PostgresSession.OpenAsync(connection, cancellation))
        {
            // The names of another cluster would be wrong ones.
            var server = (await session.ReadFactsAsync(cancellation)).SystemIdentifier;
            if (server != systemIdentifier)
            {
                throw new ServerException($"{session.Server} is another cluster: its system identifier is {server}, that of the archived WAL {systemIdentifier}");
            }

            databases = await CatalogQuestions.ReadDatabasesAsync(session, cancellation);
        }

        var relations = new Dictionary<uint, IReadOnlyList<LiveRelation>>();
        foreach (var (oid, wanted) in Wanted(findings))
        {
            if (databases.TryGetValue(oid, out var name))
            {
                await using var session = await PostgresSession.OpenAsync(connection, name, cancellation);
                relations[oid] = await CatalogQuestions.ReadRelationsAsync(session, wanted.Oids, wanted.Files, cancellation);
            }
        }

        return [.. findings.Select(f => Resolve(f, databases, relations))];
    }

    // Which relations of which databases have no name yet: by OID, or by the files they have now.
    static Dictionary<uint, (HashSet<uint> Oids, HashSet<uint> Files)> Wanted(IReadOnlyList<WalSearchHit> findings)
    {
        var wanted = new Dictionary<uint, (HashSet<uint> Oids, HashSet<uint> Files)>();
        foreach (var finding in findings)
        {
            foreach (var footprint in finding.Footprints.Where(f => f.Name is null || f.Schema is null))
            {
                var (oids, files) = wanted.TryGetValue(footprint.Database, out var known) ? known : wanted[footprint.Database] = ([], []);
                if (footprint.Oid is { } oid)
                {
                    oids.Add(oid);
                }

                if (footprint.File is { } file)
                {
                    files.Add(file.Number);
                    files.UnionWith(finding.CreatedFiles.Where(f => f.Database == footprint.Database).Select(f => f.Number));
                }
            }
        }

        return wanted;
    }

    static WalSearchHit Resolve(WalSearchHit finding, IReadOnlyDictionary<uint, string> databases, Dictionary<uint, IReadOnlyList<LiveRelation>> relations)
    {
        var footprints = finding.Footprints.Select(f => Resolve(f, databases, relations.GetValueOrDefault(f.Database) ?? [])).ToList();
        // Files that a known relation did not have are replaced by those that the transaction made, and these a live relation has.
        var created = finding.CreatedFiles.Select(f => (f.Database, f.Number)).ToHashSet();
        foreach (var (database, known) in relations)
        {
            var unnamed = footprints.FindAll(f => f.Kind == FootprintKind.FilesRemoved && f.Name is null && f.Database == database);
            var made = known.Where(r => created.Contains((database, r.File)) && !footprints.Exists(f => f.Oid == r.Oid)).ToArray();
            if (unnamed.Count > 0 && made.Length == unnamed.Count)
            {
                footprints.RemoveAll(unnamed.Contains);
                footprints.AddRange(made.Zip(unnamed, (r, f) => f with { File = null, Oid = r.Oid, Schema = r.Schema, Name = r.Name, RelationKind = r.Kind }));
            }
        }

        return finding with { Footprints = footprints, DatabaseName = finding.DatabaseName ?? databases.GetValueOrDefault(finding.Database) };
    }

    static WalFootprint Resolve(WalFootprint footprint, IReadOnlyDictionary<uint, string> databases, IReadOnlyList<LiveRelation> relations)
    {
        footprint = footprint with { DatabaseName = footprint.DatabaseName ?? databases.GetValueOrDefault(footprint.Database) };
        var same = footprint.Oid is { } oid ? relations.FirstOrDefault(r => r.Oid == oid)
            : footprint is { File: { } file, Name: null } ? relations.FirstOrDefault(r => r.File == file.Number)
            : null;
        return same is null ? footprint : footprint with
        {
            Oid = same.Oid,
            Schema = footprint.Schema ?? same.Schema,
            Name = footprint.Name ?? same.Name,
            RelationKind = footprint.RelationKind ?? same.Kind,
        };
    }
}
