using Npgsql;
using Pitr.Postgres.Sessions;

namespace Pitr.Postgres.Dumps;

/// <summary>
/// Puts relations of a cluster that is thrown away later into a schema of their own, so that a dump of them can go beside the originals. What
/// would tie them to relations that stay behind is cut: foreign keys, partitions and inheritance.
/// </summary>
/// <param name="session">A superuser's, with the database; its triggers are off from then on.</param>
public sealed class SchemaMove(PostgresSession session)
{
    readonly List<string> _cut = [];

    /// <summary>What was cut, in words.</summary>
    public IReadOnlyList<string> Cut => _cut;

    /// <summary>Moves relations into a new schema.</summary>
    /// <exception cref="ServerException">The server refuses: two of them, or two of their indexes, have one name.</exception>
    public Task MoveAsync(IReadOnlyList<DumpRelation> relations, string schema, CancellationToken cancellationToken = default) => RunAsync(
        async () =>
        {
            await PutAsideAsync(schema, cancellationToken);
            await session.ExecuteAsync($"CREATE SCHEMA {SqlText.Identifier(schema)}", cancellationToken);
            var moved = await DumpCatalog.WithChildrenAsync(session, relations.Select(r => r.Oid), cancellationToken);
            await CutAsync(moved, cancellationToken);
            // The sequence of a column follows its table.
            foreach (var relation in moved.Where(r => !r.IsOwned))
            {
                await session.ExecuteAsync($"ALTER {relation.KindName} {relation.Qualified} SET SCHEMA {SqlText.Identifier(schema)}", cancellationToken);
            }
        },
        cancellationToken);

    /// <summary>Gives a schema another name.</summary>
    /// <exception cref="ServerException">The server refuses.</exception>
    public Task RenameAsync(string from, string to, CancellationToken cancellationToken = default) => RunAsync(
        async () =>
        {
            if (from != to)
            {
                await PutAsideAsync(to, cancellationToken);
                await session.ExecuteAsync($"ALTER SCHEMA {SqlText.Identifier(from)} RENAME TO {SqlText.Identifier(to)}", cancellationToken);
            }

            await CutAsync(await DumpCatalog.ReadSchemasAsync(session, [to], cancellationToken), cancellationToken);
        },
        cancellationToken);

    async Task RunAsync(Func<Task> move, CancellationToken cancellationToken)
    {
        // Neither triggers on DDL nor a default of the database may hinder it.
        await session.ExecuteAsync("SET session_replication_role = replica; BEGIN READ WRITE", cancellationToken);
        await move();
        await session.ExecuteAsync("COMMIT", cancellationToken);
    }

    // An earlier extract may have left a schema of that name in the original.
    async Task PutAsideAsync(string schema, CancellationToken cancellationToken)
    {
        if (await ExistsAsync(schema, cancellationToken))
        {
            await session.ExecuteAsync($"ALTER SCHEMA {SqlText.Identifier(schema)} RENAME TO {SqlText.Identifier($"pitr {Guid.NewGuid():N}")}", cancellationToken);
        }
    }

    async Task<bool> ExistsAsync(string schema, CancellationToken cancellationToken) =>
        (await session.QueryAsync("SELECT FROM pg_namespace WHERE nspname = $1", [new NpgsqlParameter { Value = schema }], _ => true, cancellationToken)).Count > 0;

    async Task CutAsync(IReadOnlyList<DumpRelation> moved, CancellationToken cancellationToken)
    {
        const string parents = """
            SELECT CASE WHEN c.relispartition THEN format('ALTER TABLE %I.%I DETACH PARTITION %I.%I', pn.nspname, p.relname, n.nspname, c.relname)
                        ELSE format('ALTER TABLE %I.%I NO INHERIT %I.%I', n.nspname, c.relname, pn.nspname, p.relname) END,
                   CASE WHEN c.relispartition THEN format('%I.%I is no partition of %I.%I', n.nspname, c.relname, pn.nspname, p.relname)
                        ELSE format('%I.%I does not inherit from %I.%I', n.nspname, c.relname, pn.nspname, p.relname) END
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
            WHERE i.inhrelid = ANY ($1) AND NOT i.inhparent = ANY ($1) AND c.relkind IN ('r', 'p', 'f')
            """;
        // Asked after the partitions: a foreign key that one had from its parent is its own now.
        const string foreignKeys = """
            SELECT format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, f.conname),
                   format('foreign key %I of %I.%I, which refers to %I.%I', f.conname, n.nspname, c.relname, rn.nspname, r.relname)
            FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_class r ON r.oid = f.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
            WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid = ANY ($1) AND NOT f.confrelid = ANY ($1)
            ORDER BY 2
            """;
        foreach (var sql in (string[])[parents, foreignKeys])
        {
            var ties = await session.QueryAsync(sql, [DumpCatalog.Oids(moved.Select(r => r.Oid))], row => (Sql: row.GetString(0), Text: row.GetString(1)), cancellationToken);
            foreach (var (cut, text) in ties)
            {
                await session.ExecuteAsync(cut, cancellationToken);
                _cut.Add(text);
            }
        }
    }
}
