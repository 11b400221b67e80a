using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Extract;

/// <summary>Finds what was asked for in a recovered cluster, whichever database it is in.</summary>
/// <param name="server">The recovered server.</param>
/// <param name="superuser">A role that sees everything.</param>
/// <param name="names">What was asked for.</param>
sealed class DumpSelector(PostgresServer server, string superuser, DumpNames names)
{
    // Found in one database: what each name means there, and the names that mean nothing.
    sealed record Found(DumpSelection Selection, IReadOnlyList<NamePattern> Missing);

    /// <summary>Finds it.</summary>
    /// <param name="database">The database; null takes the only one that has all of it.</param>
    /// <param name="databases">All there are.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="RefusedInputException">Something is not there, or it is not clear in which database.</exception>
    public async Task<DumpSelection> SelectAsync(string? database, IReadOnlyList<string> databases, CancellationToken cancellation)
    {
        if (database is not null && !databases.Contains(database))
        {
            throw new RefusedInputException($"there was no database {database} at that moment", NearestName.Hint(database, databases, "databases"));
        }

        if (names.IsWholeDatabase)
        {
            return (await FindAsync(database ?? Only(databases), cancellation)).Selection;
        }

        var found = new List<Found>();
        foreach (var name in database is null ? databases : [database])
        {
            found.Add(await FindAsync(name, cancellation));
        }

        return found.Where(f => f.Missing.Count == 0).Select(f => f.Selection).ToArray() switch
        {
            [var only] => only,
            [] => throw await MissingAsync(found, databases, cancellation),
            var several => throw new RefusedInputException(
                $"{names.Description}: there is such in databases {string.Join(", ", several.Select(s => s.Database))}", "say which one with --database"),
        };
    }

    // Everybody has a database postgres; what is asked for is the other one.
    static string Only(IReadOnlyList<string> databases) => databases switch
    {
        [var only] => only,
        _ when databases.Where(d => d != "postgres").ToArray() is [var other] => other,
        _ => throw new RefusedInputException("which database? there were several at that moment", $"say it with --database: {string.Join(", ", databases)}"),
    };

    async Task<Found> FindAsync(string database, CancellationToken cancellation)
    {
        await using var session = await OpenAsync(database, cancellation);
        if (names.IsWholeDatabase)
        {
            return new Found(new DumpSelection(database, await DumpCatalog.ReadAllAsync(session, cancellation), [], IsWholeDatabase: true), []);
        }

        var missing = new List<NamePattern>();
        var schemas = new List<string>();
        foreach (var pattern in names.Schemas)
        {
            var matching = await DumpCatalog.FindSchemasAsync(session, pattern, cancellation);
            schemas.AddRange(matching);
            if (matching.Count == 0)
            {
                missing.Add(pattern);
            }
        }

        var tables = new List<DumpRelation>();
        foreach (var pattern in names.Tables)
        {
            var matching = await DumpCatalog.FindRelationsAsync(session, pattern, cancellation);
            tables.AddRange(matching);
            if (matching.Count == 0)
            {
                missing.Add(pattern);
            }
        }

        var relations = schemas.Count > 0
            ? await DumpCatalog.ReadSchemasAsync(session, schemas, cancellation)
            : await DumpCatalog.WithChildrenAsync(session, tables.Select(t => t.Oid), cancellation);
        return new Found(new DumpSelection(database, relations, [.. schemas.Distinct(StringComparer.Ordinal)], IsWholeDatabase: false), missing);
    }

    async Task<RefusedInputException> MissingAsync(IReadOnlyList<Found> found, IReadOnlyList<string> databases, CancellationToken cancellation)
    {
        // Where most is found it was looked for; the rest is what is wrong.
        var nearest = found.MinBy(f => f.Missing.Count)!;
        var pattern = nearest.Missing[0];
        var isTable = names.Tables.Contains(pattern);
        var what = isTable ? "table" : "schema";
        var elsewhere = new List<string>();
        foreach (var other in databases.Where(d => d != nearest.Selection.Database))
        {
            await using var session = await OpenAsync(other, cancellation);
            if (isTable ? (await DumpCatalog.FindRelationsAsync(session, pattern, cancellation)).Count > 0 : (await DumpCatalog.FindSchemasAsync(session, pattern, cancellation)).Count > 0)
            {
                elsewhere.Add(other);
            }
        }

        var where = found.Count == 1 || nearest.Missing.Count < names.Tables.Count + names.Schemas.Count ? $" in database {nearest.Selection.Database}" : $" in any database ({string.Join(", ", databases)})";
        return new RefusedInputException(
            $"there was no {what} {pattern.Text}{where} at that moment",
            elsewhere.Count > 0
                ? $"there was one in database {string.Join(" and ", elsewhere)}: --database {elsewhere[0]}"
                : await HintAsync(pattern, isTable, found.Select(f => f.Selection.Database), cancellation));
    }

    async Task<string> HintAsync(NamePattern pattern, bool isTable, IEnumerable<string> databases, CancellationToken cancellation)
    {
        var known = new List<string>();
        foreach (var database in databases)
        {
            await using var session = await OpenAsync(database, cancellation);
            known.AddRange(isTable
                ? (await DumpCatalog.ReadAllAsync(session, cancellation)).Where(r => !r.IsOwned).Select(r => SqlText.Plain(r.Schema, r.Name))
                : (await DumpCatalog.FindSchemasAsync(session, NamePattern.ParseSchema("*"), cancellation)).Select(schema => SqlText.Plain(schema)));
        }

        known = [.. known.Distinct(StringComparer.Ordinal)];
        // Without its schema a name is near to that of a table, whatever schema that is in.
        var near = NearestName.Find(pattern.Text, known) ?? known.Find(k => NearestName.Find(pattern.Text, [k[(k.LastIndexOf('.') + 1)..]]) is not null);
        var list = NearestName.Hint("", known, isTable ? "tables" : "schemas");
        return near is null ? list : $"did you mean {near}? {list}";
    }

    Task<PostgresSession> OpenAsync(string database, CancellationToken cancellation) => PostgresSession.OpenAsync(server.ConnectionString(database, superuser), cancellation);
}
