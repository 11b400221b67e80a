using Pitr.Format.Wal;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;
using Pitr.Postgres.Wal.Footprints;

namespace Pitr.Postgres.Tests.Wal;

/// <summary>Real statements on real servers, found again in their WAL by name.</summary>
public class FootprintServerTests
{
    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(15)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public async Task Names_what_was_dropped_and_truncated_and_nothing_else(int version)
    {
        await using var server = await WalServer.StartAsync(version);
        var session = server.Session;
        await session.ExecuteAsync("CREATE SCHEMA sales");
        await session.ExecuteAsync("CREATE DATABASE gone");
        foreach (var table in new[] { "sales.orders", "kept", "emptied", "rewritten", "prepared", "undone", "sub" })
        {
            await session.ExecuteAsync($"CREATE TABLE {table} (id serial PRIMARY KEY, filler text); INSERT INTO {table} (filler) SELECT repeat('x', 3000) FROM generate_series(1, 50)");
        }

        await session.ExecuteAsync("CREATE TABLE parent (id int) PARTITION BY RANGE (id); CREATE VIEW seen AS SELECT 1 AS one; CREATE MATERIALIZED VIEW stored AS SELECT 1 AS one");
        await session.ExecuteAsync("CHECKPOINT");

        var expected = new List<(string Statement, string Found)>();
        await DoAsync("DROP TABLE sales.orders", "Drop sales.orders r,Drop sales.orders_id_seq S");
        await DoAsync("TRUNCATE emptied", "Truncate public.emptied r");
        await DoAsync("BEGIN; DROP TABLE undone; ROLLBACK", "");
        await DoAsync("BEGIN; DROP TABLE prepared; PREPARE TRANSACTION 'p'", "");
        await DoAsync("COMMIT PREPARED 'p'", "Drop public.prepared r,Drop public.prepared_id_seq S");
        await DoAsync("BEGIN; SAVEPOINT a; TRUNCATE kept; ROLLBACK TO a; SAVEPOINT b; DROP TABLE sub; RELEASE b; COMMIT", "Drop public.sub r,Drop public.sub_id_seq S");
        await DoAsync("DROP TABLE parent", "Drop public.parent p");
        await DoAsync("DROP VIEW seen", "Drop public.seen v");
        await DoAsync("DROP MATERIALIZED VIEW stored", "Drop public.stored m");
        await DoAsync("CREATE TABLE brief (id int); DROP TABLE brief", "");
        await DoAsync("CREATE TEMP TABLE passing (id serial PRIMARY KEY, t text)", "");
        await DoAsync("DROP TABLE passing", "");
        await DoAsync("ALTER TABLE kept RENAME TO renamed", "");
        await DoAsync("VACUUM FULL rewritten", "");
        await DoAsync("CLUSTER rewritten USING rewritten_pkey", "");
        await DoAsync("ALTER TABLE rewritten ALTER filler TYPE varchar(5000), ADD COLUMN more int DEFAULT 7", "");
        await DoAsync("ALTER TABLE rewritten ALTER id TYPE bigint", "");
        await DoAsync("REINDEX TABLE rewritten", "");
        await DoAsync("DELETE FROM rewritten", "");
        await DoAsync("VACUUM rewritten", "");
        await DoAsync("TRUNCATE renamed RESTART IDENTITY", "Truncate public.kept_id_seq S,Truncate public.renamed r");
        await DoAsync("DROP DATABASE gone", "DatabaseDrop gone");
        var last = await session.SwitchWalAsync();

        var transactions = WalDirectory.Footprints(server.DataDirectory, last, version).Where(t => t.IsDestructive).ToArray();
        Assert.Equal(
            expected.Select(e => e.Found).Where(found => found.Length > 0),
            transactions.Select(t => string.Join(',', t.Footprints.Where(f => f.IsDestructive && f.IsMain).Select(Text).Order(StringComparer.Ordinal))));
        Assert.All(transactions, t => Assert.True(t.StopBefore <= t.End.Position));
        Assert.True(transactions[^1].StopBefore < transactions[^1].End.Position);

        async Task DoAsync(string statement, string found)
        {
            expected.Add((statement, found));
            await session.ExecuteAsync(statement);
        }
    }

    static string Text(WalFootprint footprint) => footprint.Kind == FootprintKind.DatabaseDrop
        ? $"{footprint.Kind} {footprint.DatabaseName}"
        : $"{footprint.Kind} {footprint.Schema}.{footprint.Name} {footprint.RelationKind}";
}
