using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Dumps of a PostgreSQL server by several jobs, from backup to restore, with real servers and tools.</summary>
public sealed class PostgresParallelDumpTests
{
    const string Content = """
        CREATE TABLE "we""ird / ta'ble ü" AS SELECT 1 AS "a b";
        CREATE TABLE empty (id int PRIMARY KEY);
        CREATE TABLE noise (id int PRIMARY KEY, text text);
        INSERT INTO noise SELECT g, (SELECT string_agg(md5(random()::text || g || s), '') FROM generate_series(1, 32) s) FROM generate_series(1, 12000) g;
        CREATE INDEX noise_text ON noise (md5(text));
        CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY, noise int REFERENCES noise); INSERT INTO sales.orders SELECT g, g FROM generate_series(1, 2000) g;
        CREATE VIEW names AS SELECT id FROM noise;
        SELECT lo_from_bytea(0, convert_to(repeat('large ' || g, 1000), 'UTF8')) FROM generate_series(1, 20) g;
        DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE t%s AS SELECT g AS id, ''row '' || g AS v FROM generate_series(1, %s) g', i, i % 7); END LOOP; END $$;
        """;

    [Theory]
    [PostgresTools(14)]
    [PostgresTools(15)]
    [PostgresTools(16)]
    [PostgresTools(17)]
    [PostgresTools(18)]
    public async Task What_was_dumped_by_several_jobs_comes_back_whole_in_part_and_in_a_drill(int version)
    {
        await using var made = await ParallelDumpHost.CreateAsync(version, ["shop", "other"]);
        await made.ExecuteAsync("shop", Content);
        var host = made.Host;
        (await host.RunAsync("check", DumpHost.Service)).Must();
        var id = await host.BackupAsync();
        made.RequireNothingStaged();

        var streams = (await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups")[0].GetProperty("streams").EnumerateArray().ToArray();
        Assert.Equal(["globals.sql", "shop.dump", "other.dump"], streams.Select(s => s.GetProperty("name").GetString()));
        Assert.Equal("pg_dump-directory", streams[1].GetProperty("format").GetString());
        (await ProgramRun.RunAsync("/usr/bin/sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], directory: DumpHost.PathOf(host.Second, id))).Must();
        // Not an object for each table.
        Assert.InRange(DumpHost.Stored(host.First).Length, 5, 30);
        (await host.RunAsync("verify", DumpHost.Service, "--all")).Must();

        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "back")).Must();
        Assert.Equal(await made.TextAsync("shop"), await made.TextAsync("back"));
        // Into one that is there: one transaction, as ever.
        await made.ExecuteAsync("postgres", "CREATE DATABASE part");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "part", "--table", "noise")).Must();
        Assert.Equal(12000, await made.ScalarAsync<long>("part", "SELECT count(*) FROM noise"));
        Assert.False(await made.ScalarAsync<bool>("part", "SELECT to_regclass('empty') IS NOT NULL"));
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "part", "--table", "noise")).Must(10).MustSay("already exists", "nothing was changed");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "part")).Must(7).MustSay("is not empty");
        Assert.Equal(12000, await made.ScalarAsync<long>("part", "SELECT count(*) FROM noise"));
        await made.ExecuteAsync("part", "DROP TABLE noise; CREATE SCHEMA sales");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "schema", "--schema", "sales")).Must(10).MustSay("pg_restore failed with code");
        Assert.False(await made.ScalarAsync<bool>("postgres", "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'schema')"));
        made.RequireNothingStaged();

        var report = (await host.RunAsync("--output", "json", "drill", DumpHost.Service)).Must().Json;
        Assert.Contains("as when it was dumped", DumpDrill.Detail(report, "contents of shop"), StringComparison.Ordinal);
        made.RequireNothingStaged();
    }

    [Fact]
    public async Task Databases_are_exchanged_in_the_restore_of_a_group()
    {
        await using var made = await ParallelDumpHost.CreateAsync(15, ["shop"]);
        await made.ExecuteAsync("shop", "CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 1000) g; CREATE INDEX ON t (id)");
        await made.Host.BackupAsync();
        var then = await made.TextAsync("shop");
        await made.ExecuteAsync("shop", "DELETE FROM t WHERE id > 10");
        (await made.Host.RunAsync("restore", "--all", "latest")).Must();
        Assert.Equal(then, await made.TextAsync("shop"));
        (await made.Host.RunAsync("restore", "--all", "--confirm")).Must();
        made.RequireNothingStaged();
    }

    [FormatReaderFact]
    public async Task Pitr_and_another_program_that_knows_the_format_give_pg_restore_its_directory()
    {
        await using var made = await ParallelDumpHost.CreateAsync(15, ["shop"]);
        await made.ExecuteAsync("shop", Content);
        var id = await made.Host.BackupAsync();
        var directory = made.Host.Directory["unpacked"];
        await FormatReader.ReadAsync(made.Host.Host, "unpack", DumpHost.Service, id, "shop.dump", directory);
        var files = made.Host.Directory["files"];
        (await made.Host.RunAsync("restore", DumpHost.Service, "--to", files)).Must();
        Assert.Equal(["globals.sql", "shop.dump"], Directory.GetFileSystemEntries(files).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        (await ProgramRun.RunAsync("/usr/bin/diff", ["--recursive", directory, Path.Combine(files, "shop.dump")])).Must();
        Assert.True(Directory.GetFiles(directory).Length > 1000);
        await made.ExecuteAsync("postgres", "CREATE DATABASE byhand");
        (await ProgramRun.RunAsync(
            PostgresBinaries.FindClient("pg_restore", 15),
            ["--host", made.Cluster.SocketDirectory, "--port", $"{made.Cluster.Server.Port}", "--username", "postgres", "--dbname", "byhand", "--jobs", "2", "--exit-on-error", directory])).Must();
        Assert.Equal(await made.TextAsync("shop"), await made.TextAsync("byhand"));
    }

    [Fact]
    public async Task What_is_wrong_with_the_place_is_said_before_anything_is_done()
    {
        await using var made = await ParallelDumpHost.CreateAsync(15, ["shop"], "staging-directory: /nowhere");
        (await made.Host.RunAsync("backup", DumpHost.Service)).Must(1).MustSay("there is no directory /nowhere for scratch space");
        Assert.Contains("there is no directory /nowhere for scratch space", (await made.Host.RunAsync("check", DumpHost.Service)).Must(9).Output, StringComparison.Ordinal);
        made.Host.RequireNothingLeft();
    }
}
