using System.Globalization;
using System.Text.Json;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Pages;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>
/// Every version of PostgreSQL, with data of every kind: a backup, a second one of the changed pages while it is written, and that one restored to a point
/// at which the source stood still. pg_amcheck finds nothing, and every row is there.
/// </summary>
public sealed class BackupVersionTests(ITestOutputHelper output)
{
    // pg_amcheck of this version is used for all of them: those of the other versions come without programs, but with the extension.
    const int VersionOfPrograms = 15;

    // Rows in the table itself, compressed and plain ones beside it, and an index of each kind.
    const string Schema =
        """
        CREATE TABLE things (id int PRIMARY KEY, place point, span int4range, tags int[], words tsvector, name text, made timestamptz, long text, plain text);
        ALTER TABLE things ALTER plain SET STORAGE EXTERNAL;
        INSERT INTO things SELECT i, point(i, -i), int4range(i, i + 5), ARRAY[i, i % 7], to_tsvector('simple', md5(i::text)), 'name ' || i, now() + i * interval '1 s',
            repeat(md5(i::text), CASE WHEN i % 10 = 0 THEN 4000 ELSE 1 END), CASE WHEN i % 20 = 0 THEN (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 300) j) END
        FROM generate_series(1, 2000) i;
        CREATE INDEX ON things USING gist (place); CREATE INDEX ON things USING spgist (span); CREATE INDEX ON things USING gin (tags); CREATE INDEX ON things USING gin (words);
        CREATE INDEX ON things USING hash (name); CREATE INDEX ON things USING brin (made); CREATE INDEX ON things (lower(name), id DESC) WHERE id % 2 = 0;
        CREATE UNLOGGED TABLE emptied AS SELECT generate_series(1, 1000) i;
        CREATE SEQUENCE numbers; SELECT nextval('numbers') FROM generate_series(1, 100);
        CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM things;
        SELECT lo_from_bytea(4711, decode(repeat('00ff17', 20000), 'hex'));
        CREATE ROLE somebody;
        """;

    const string Changes =
        """
        UPDATE things SET name = 'other ' || id, plain = plain || 'x' WHERE id % 50 = 0; DELETE FROM things WHERE id % 33 = 0;
        SELECT lo_put(4711, 30000, 'changed'); SELECT nextval('numbers') FROM generate_series(1, 50);
        UPDATE there SET v = 'changed' WHERE i < 50; REFRESH MATERIALIZED VIEW seen; INSERT INTO emptied SELECT 1;
        """;

    [Fact]
    public Task The_version_of_this_distribution() => RunAsync(PostgresBinaries.Find(VersionOfPrograms));

    [Theory]
    [PostgresVersion(14)]
    [PostgresVersion(16)]
    [PostgresVersion(17)]
    [PostgresVersion(18)]
    public Task And_the_others(int version) => RunAsync(PostgresVersionAttribute.Programs(version));

    async Task RunAsync(BinDirectory programs)
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), programs: programs);
        var space = cluster.Directory.New("space");
        await FillAsync(cluster, space);
        var first = (await TakeAsync(cluster)).GetProperty("id").GetString();

        JsonElement second;
        await using (var writers = new PageWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", TestEnvironment.Seed, 2))
        {
            await cluster.ExecuteAsync(Changes);
            await Eventually.IsTrueAsync(() => Volatile.Read(ref writers.Statements) > 20, () => "the tables are written");
            second = await TakeAsync(cluster);
            var then = Volatile.Read(ref writers.Statements);
            await Eventually.IsTrueAsync(() => Volatile.Read(ref writers.Statements) > then + 5, () => "the tables are written after the backup, too");
        }

        Assert.Equal(first, second.GetProperty("base").GetString());
        Assert.NotEqual(0, second.GetProperty("older-packs").GetArrayLength());
        Assert.Equal(0, second.GetProperty("damaged-pages").GetInt32());
        await cluster.ExecuteAsync("SELECT pg_create_restore_point('stood still')");
        var expected = await ClusterContent.ReadAsync(cluster.Cluster.ConnectionString());
        await cluster.ExecuteAsync("DELETE FROM things");
        await cluster.ExecuteAsync("DROP DATABASE second");
        await cluster.ArchiveEverythingAsync();

        await using var restored = await cluster.RestoreAsync(
            "to", "--backup", second.GetProperty("id").GetString()!, "--target-name", "stood still", "--tablespace-map", $"{space}={cluster.Directory["moved"]}");
        await CheckAsync(restored);
        ClusterContent.RequireSame(expected, await ClusterContent.ReadAsync(restored.ConnectionString));
        Assert.True(expected.Count(line => line.StartsWith("postgres: public.things: ", StringComparison.Ordinal)) > 1900 && expected.Count(line => line.StartsWith("second: ", StringComparison.Ordinal)) > 900);
        Assert.InRange(await restored.ScalarAsync<long>("SELECT nextval('numbers')"), 151, 151 + 32);
        Assert.Equal(0, await restored.ScalarAsync<long>("SELECT count(*) FROM emptied"));
        Assert.Equal(cluster.Directory["moved"], await restored.ScalarAsync<string>("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'"));
    }

    static async Task FillAsync(ProtectedCluster cluster, string space)
    {
        await using var session = await cluster.OpenAsync();
        await session.ExecuteAsync(Schema);
        await session.ExecuteAsync($"CREATE TABLESPACE fast LOCATION '{space}'");
        await session.ExecuteAsync("CREATE TABLE there TABLESPACE fast AS SELECT i, md5(i::text) v FROM generate_series(1, 3000) i; CREATE INDEX ON there (v) TABLESPACE fast; CREATE INDEX ON there (i)");
        await session.ExecuteAsync("CREATE DATABASE second TABLESPACE fast");
        await using var connection = new NpgsqlConnection(cluster.Cluster.ConnectionString("second") + ";Pooling=false");
        await connection.OpenAsync();
        await using var filling = new NpgsqlCommand("CREATE SCHEMA mine; CREATE TABLE mine.rows (id int PRIMARY KEY, v text); INSERT INTO mine.rows SELECT i, md5(i::text) FROM generate_series(1, 1000) i", connection);
        await filling.ExecuteNonQueryAsync();
    }

    static async Task<JsonElement> TakeAsync(ProtectedCluster cluster) =>
        (await cluster.Host.RunAsync("--output", "json", "backup", PitrHost.Service, "--method", "direct")).Must().Json;

    static async Task CheckAsync(RestoredCluster restored)
    {
        var address = new NpgsqlConnectionStringBuilder(restored.ConnectionString);
        (await ProgramRun.RunAsync(
            PostgresBinaries.Find(VersionOfPrograms).Program("pg_amcheck"),
            ["--host", address.Host!, "--port", address.Port.ToString(CultureInfo.InvariantCulture), "--username", address.Username!, "--all", "--install-missing",
                "--heapallindexed", "--rootdescend", "--jobs", "2"])).Must();
    }
}
