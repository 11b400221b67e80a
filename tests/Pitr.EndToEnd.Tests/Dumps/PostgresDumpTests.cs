using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A service of kind postgres-dump, from backup to restore, with a real server and real tools.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class PostgresDumpTests(DumpedCluster cluster)
{
    [Fact]
    public async Task What_was_dumped_comes_back_beside_the_original()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        Assert.Contains("no backup yet", (await host.RunAsync("info")).Must().Output, StringComparison.Ordinal);
        var id = await host.BackupAsync();

        var shown = (await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0];
        Assert.Equal(("postgres-dump", true, id), (shown.GetProperty("kind").GetString(), shown.GetProperty("complete").GetBoolean(), shown.GetProperty("backups")[0].GetProperty("id").GetString()));
        Assert.Equal(["globals.sql", "orders.dump", "odd \"name\".dump"], shown.GetProperty("backups")[0].GetProperty("streams").EnumerateArray().Select(s => s.GetProperty("name").GetString()));
        var text = (await host.RunAsync("info", DumpHost.Service)).Must().Output;
        Assert.All(["1 dump of kind postgres-dump", id, "pg_dump 15", "PostgreSQL 15."], word => Assert.Contains(word, text, StringComparison.Ordinal));
        Assert.Contains(id, (await host.RunAsync("audit", DumpHost.Service)).Must().Output, StringComparison.Ordinal);

        // Several parts, sealed, the same in both repositories, and digests that every system can check.
        Assert.True(File.Exists(Path.Combine(DumpHost.PathOf(host.First, id), "000002")));
        foreach (var repository in new[] { host.First, host.Second })
        {
            (await ProgramRun.RunAsync("/usr/bin/sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], directory: DumpHost.PathOf(repository, id))).Must();
            Assert.All(DumpHost.Stored(repository), file => Assert.DoesNotContain("customer 17", File.ReadAllText(file), StringComparison.Ordinal));
        }

        // As files, for which no server is asked.
        var files = host.Directory["files"];
        (await host.RunAsync("restore", DumpHost.Service, "--to", files, "--globals")).Must(1).MustSay("beside --to DIR only --database can be given");
        (await host.RunAsync("restore", DumpHost.Service, "--to", files)).Must();
        Assert.Equal(["globals.sql", "odd \"name\".dump", "orders.dump"], Directory.GetFileSystemEntries(files).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("TABLE DATA public customers", (await ProgramRun.RunAsync(PostgresBinaries.Find(15).Program("pg_restore"), ["--list", Path.Combine(files, "orders.dump")])).Must().Output, StringComparison.Ordinal);
        Assert.Matches("^-- pitr: [0-9a-f]{64}\n", await File.ReadAllTextAsync(Path.Combine(files, "globals.sql")));

        var plan = (await host.RunAsync("restore", DumpHost.Service, "--database", "orders", "--into", "orders_back", "--dry-run", "-o", "json")).Must().Json;
        Assert.Equal((id, true), (plan.GetProperty("backup").GetString(), plan.GetProperty("streams")[0].GetProperty("new").GetBoolean()));
        Assert.False(await cluster.HasDatabaseAsync("orders_back"));
        (await host.RunAsync("restore", DumpHost.Service, id, "--database", "orders", "--into", "orders_back")).Must();
        foreach (var table in new[] { "customers", "noise", "sales.orders", "names" })
        {
            Assert.Equal(await cluster.ContentAsync("orders", table), await cluster.ContentAsync("orders_back", table));
        }

        Assert.Equal("C.UTF-8", await cluster.ScalarAsync<string>("postgres", "SELECT datcollate::text FROM pg_database WHERE datname = 'orders_back'"));
        Assert.True(await cluster.ScalarAsync<bool>("orders_back", "SELECT to_regclass('sales.orders_customer') IS NOT NULL"));
        await cluster.ExecuteAsync("postgres", "DROP DATABASE orders_back");
    }

    [Fact]
    public async Task Chosen_tables_schemas_and_roles_come_back_and_what_is_there_stays()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        await host.BackupAsync();
        (await host.RunAsync("restore", DumpHost.Service)).Must(7).MustSay("database orders on", "is not empty", "--into NAME");
        (await host.RunAsync("restore", DumpHost.Service, "--into", "x")).Must(1).MustSay("--into names one database", "add --database: orders");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "ordres")).Must(1).MustSay("has no database \"ordres\"", "did you mean \"orders\"?");
        (await host.RunAsync("restore", DumpHost.Service, "--table", "customers")).Must(1).MustSay("--table and --schema take one database");
        (await host.RunAsync("restore", DumpHost.Service, "20200101T000000Z")).Must(8).MustSay("there is no backup 20200101T000000Z", "pitr info");
        (await host.RunAsync("restore", DumpHost.Service, "yesterday")).Must(1).MustSay("is no backup");
        (await host.RunAsync("restore", DumpHost.Service, "--target-time", "2026-01-01Z")).Must(1).MustSay("--target-time is for services of kind postgres");

        await cluster.ExecuteAsync("postgres", "DROP ROLE clerk");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "orders", "--into", "look", "--table", "customers", "--globals")).Must().MustSay("role \"dumper\" already exists");
        Assert.True(await cluster.ScalarAsync<bool>("postgres", "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clerk')"));
        Assert.Equal(await cluster.ContentAsync("orders", "customers"), await cluster.ContentAsync("look", "customers"));
        Assert.False(await cluster.ScalarAsync<bool>("look", "SELECT to_regclass('noise') IS NOT NULL"));
        await cluster.ExecuteAsync("look", "CREATE SCHEMA sales");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "orders", "--into", "look", "--schema", "sales")).Must();
        Assert.Equal(await cluster.ContentAsync("orders", "sales.orders"), await cluster.ContentAsync("look", "sales.orders"));
        // One transaction: what is there makes all of it fail.
        (await host.RunAsync("restore", DumpHost.Service, "--database", "orders", "--into", "look", "--schema", "sales")).Must(10).MustSay("already exists", "nothing was changed");
        await cluster.ExecuteAsync("postgres", "DROP DATABASE look");
    }

    [Fact]
    public async Task Damage_in_one_repository_is_passed_over_and_in_both_it_is_refused()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var id = await host.BackupAsync();
        Exchange(host.First);
        string[] restore = ["restore", DumpHost.Service, "--database", "orders", "--into", "damaged"];
        (await host.RunAsync([.. restore, "--repository", "first"])).Must(5).MustSay("000001 is damaged");
        Assert.False(await cluster.HasDatabaseAsync("damaged"));
        (await host.RunAsync(restore)).Must();
        Assert.Equal(await cluster.ContentAsync("orders", "noise"), await cluster.ContentAsync("damaged", "noise"));
        await cluster.ExecuteAsync("postgres", "DROP DATABASE damaged");
        File.Delete(Path.Combine(DumpHost.PathOf(host.Second, id), "000002"));
        (await host.RunAsync([.. restore, "--repository", "second"])).Must(5).MustSay("000002", "an older backup");
        Assert.False(await cluster.HasDatabaseAsync("damaged"));
        (await host.RunAsync("repo", "rm", "first", $"services/shop/dumps/{id}/000000")).Must(1).MustSay("was not removed");

        // Each is a whole sealed object, in the other's place.
        void Exchange(string repository)
        {
            var (one, two) = (Path.Combine(DumpHost.PathOf(repository, id), "000001"), Path.Combine(DumpHost.PathOf(repository, id), "000002"));
            File.Move(one, one + ".x");
            File.Move(two, one);
            File.Move(one + ".x", two);
        }
    }

    [Theory]
    [PostgresVersion(14)]
    public async Task A_dump_of_a_newer_server_is_refused_before_anything_is_changed(int version)
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        await host.BackupAsync();
        await using var older = await ScratchCluster.CreateAsync(new ScratchClusterOptions { BinDirectory = PostgresVersionAttribute.Programs(version), Directory = host.Directory["pg"], Fsync = false });
        host.Configure($"kind: postgres-dump\nconnection: \"Host={older.SocketDirectory};Port={older.Server.Port};Username=postgres;Database=postgres\"");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "orders")).Must(8).MustSay("is of PostgreSQL 15.", "has 14.", "which is older; nothing was changed");
        if (!File.Exists($"/usr/lib/postgresql/{version}/bin/pg_dump"))
        {
            (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay($"no pg_dump of PostgreSQL {version} found", $"postgresql-client-{version}");
        }
    }
}
