using System.Text.Json;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Extract;

/// <summary>`pitr extract` does what it says: what comes out is what was there at that moment, row for row.</summary>
[Collection(ExtractServiceCollection.Name)]
public sealed class ExtractTests(ExtractService service) : IDisposable
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_dropped_table_comes_back_into_the_living_database_with_all_that_belongs_to_it()
    {
        // Customers were deleted since, so that the foreign key could not come back here.
        var target = await service.NewDatabaseAsync("back");
        await service.ExecuteAsync(target, "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers SELECT generate_series(1, 500)");

        var report = (await service.ExtractAsync("--table", "public.orders", "--into-database", target, "--output", "json")).Must().Json;

        Assert.Equal(service.Orders, await service.ContentAsync(target, "orders"));
        Assert.Equal("clerk", await service.ScalarAsync<string>(target, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'orders'"));
        Assert.True(await service.ScalarAsync<bool>(target, "SELECT has_table_privilege('keeper', 'orders', 'SELECT') AND NOT has_table_privilege('keeper', 'orders', 'DELETE')"));
        Assert.Equal("what was ordered", await service.ScalarAsync<string>(target, "SELECT obj_description('orders'::regclass)"));
        Assert.Equal(3L, await service.ScalarAsync<long>(target, "SELECT count(*) FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype IN ('p', 'u', 'f')"));
        // The sequence goes on behind the last row.
        await service.ExecuteAsync(target, "INSERT INTO orders (customer, note) VALUES (2, 'a new one')");

        Assert.Equal("shop", report.GetProperty("database").GetString());
        Assert.Equal(5001, Row(report, "orders").GetProperty("rows").GetInt64());
        Assert.Equal(["plan", "fetch", "replay", "start", "dump"], report.GetProperty("phases").EnumerateArray().Select(p => p.GetProperty("name").GetString()));
        Assert.True(report.GetProperty("last-recovered-commit").GetDateTimeOffset() <= DateTimeOffset.Parse(service.Then, System.Globalization.CultureInfo.InvariantCulture));
        service.RequireNothingLeft();

        var audit = (await service.Host.RunAsync("audit", "main", "--output", "json", "--action", "extract", "--last", "1")).Must().Json.GetProperty("records")[0];
        Assert.Equal(("table public.orders", 0), (audit.GetProperty("subject").GetString(), audit.GetProperty("exit-code").GetInt32()));
        Assert.Equal("shop", audit.GetProperty("details").GetProperty("database").GetString());
    }

    [Fact]
    public async Task Beside_the_living_table_goes_the_one_of_that_moment_with_its_partitions_and_without_ties()
    {
        var before = await service.ContentAsync(ExtractService.Shop, "customers");
        var run = (await service.ExtractAsync("-t", "orders", "-t", "events", "--into-database", ExtractService.Shop, "--into-schema", "Recovered here")).Must();

        Assert.Equal(service.Orders, await service.ContentAsync(ExtractService.Shop, "\"Recovered here\".orders"));
        Assert.Equal(service.Events, await service.ContentAsync(ExtractService.Shop, "\"Recovered here\".events"));
        Assert.Equal(0L, await service.ScalarAsync<long>(ExtractService.Shop, "SELECT count(*) FROM events"));
        Assert.Equal(before, await service.ContentAsync(ExtractService.Shop, "customers"));
        Assert.Contains("left out: foreign key orders_customer_fkey of public.orders, which refers to public.customers", run.Output, StringComparison.Ordinal);
        Assert.Contains("Recovered here.orders  5001 rows", run.Output, StringComparison.Ordinal);

        (await service.ExtractAsync("-t", "orders", "--into-database", ExtractService.Shop, "--into-schema", "Recovered here")).Must(7).MustSay("has schema \"Recovered here\" already");
        await service.ExecuteAsync(ExtractService.Shop, "DROP SCHEMA \"Recovered here\" CASCADE");
        service.RequireNothingLeft();
    }

    [Fact]
    public async Task One_partition_alone_comes_without_its_parent()
    {
        var target = await service.NewDatabaseAsync("partition");
        var report = (await service.ExtractAsync("-t", "archive.events_2025", "--into-schema", "recovered", "--into-database", target, "--output", "json")).Must().Json;
        Assert.Equal(213L, await service.ScalarAsync<long>(target, "SELECT count(*) FROM recovered.events_2025"));
        Assert.Equal("archive.events_2025 is no partition of public.events", Assert.Single(report.GetProperty("left-out").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task Several_tables_whatever_they_are_called_make_a_file_that_pg_restore_reads()
    {
        var file = _directory["orders.dump"];
        string[] what = ["-t", "ord*s", "-t", ExtractService.OddTable, "-t", "events", "-t", "customers", "--database", "shop", "--to", file];
        (await service.ExtractAsync(what)).Must();
        Assert.Equal(Private, File.GetUnixFileMode(file));

        var target = await service.NewDatabaseAsync("several");
        await service.ExecuteAsync(target, "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE SCHEMA archive; CREATE SCHEMA \"Odd \"\"Schema\"\"\"");
        (await service.ClientAsync("pg_restore", "--dbname", target, "--exit-on-error", "--jobs", "2", file)).Must();
        Assert.Equal(service.Orders, await service.ContentAsync(target, "orders"));
        Assert.Equal(service.Events, await service.ContentAsync(target, "events"));
        Assert.Equal(service.OddRows, await service.ContentAsync(target, ExtractService.OddTable));
        Assert.Equal(500L, await service.ScalarAsync<long>(target, "SELECT count(*) FROM customers"));

        var written = await File.ReadAllBytesAsync(file);
        (await service.ExtractAsync(what)).Must(7).MustSay("exists already", "--overwrite");
        Assert.Equal(written, await File.ReadAllBytesAsync(file));
        (await service.ExtractAsync("-t", "events", "--to", file, "--overwrite")).Must();
        Assert.NotEqual(written, await File.ReadAllBytesAsync(file));
        Assert.Equal([file], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task A_schema_goes_through_a_pipe_as_a_script()
    {
        var run = (await service.ExtractAsync("--schema", "sales", "--format", "plain", "--to", "-")).Must();
        var script = _directory["sales.sql"];
        await File.WriteAllTextAsync(script, run.Output);
        var target = await service.NewDatabaseAsync("script");
        (await service.ClientAsync("psql", "--dbname", target, "--set", "ON_ERROR_STOP=1", "--quiet", "--file", script)).Must();
        Assert.Equal(24.5m, await service.ScalarAsync<decimal>(target, "SELECT sales.twice(amount) FROM sales.best"));
        Assert.Contains("schema sales of database shop", run.Errors, StringComparison.Ordinal);

        // Under another name it comes into a database as a whole.
        (await service.ExtractAsync("--schema", "sales", "--into-schema", "sales_then", "--into-database", target)).Must();
        Assert.Equal(22.75m, await service.ScalarAsync<decimal>(target, "SELECT sum(amount) FROM sales_then.targets"));
        (await service.ExtractAsync("--schema", "sales", "--into-database", target)).Must(7).MustSay("has schema \"sales\" already");
    }

    [Fact]
    public async Task A_whole_database_goes_into_a_directory_and_into_an_empty_database_behind_a_password()
    {
        var dump = _directory["dump"];
        (await service.ExtractAsync("--database", "shop", "--format", "directory", "--to", dump)).Must();
        var first = await service.NewDatabaseAsync("whole");
        (await service.ClientAsync("pg_restore", "--dbname", first, "--exit-on-error", "--jobs", "2", dump)).Must();
        await RequireShopAsync(first);

        var second = await service.NewDatabaseAsync("behind");
        await service.Cluster.ExecuteAsync($"GRANT ALL ON DATABASE {second} TO keeper; ALTER DATABASE {second} OWNER TO keeper");
        var connection = $"host={service.Cluster.Cluster.SocketDirectory} port={service.Cluster.Cluster.Server.Port} user=keeper dbname={second}";
        (await service.ExtractAsync("--database", "shop", "--into-database", $"{connection} password={ExtractService.Password}", "--no-owner")).Must(1).MustSay("every user of this host could read");
        service.Host.Environment["PGPASSWORD"] = ExtractService.Password;
        try
        {
            await using var watch = new ProcessWatch(ExtractService.Password);
            (await service.ExtractAsync("--database", "shop", "--into-database", connection)).Must(1).MustSay("no superuser", "--no-owner");
            var run = (await service.ExtractAsync("--verbose", "--database", "shop", "--into-database", connection, "--no-owner", "--no-privileges")).Must();
            await watch.StopAsync();
            Assert.Empty(watch.Leaks);
            Assert.Contains("pg_restore", watch.Programs);
            Assert.DoesNotContain(ExtractService.Password, run.Output + run.Errors, StringComparison.Ordinal);
        }
        finally
        {
            service.Host.Environment.Remove("PGPASSWORD");
        }

        await RequireShopAsync(second);
        Assert.Equal("keeper", await service.ScalarAsync<string>(second, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'orders'"));
        (await service.ExtractAsync("--database", "shop", "--into-database", second)).Must(7).MustSay("is not empty");
    }

    async Task RequireShopAsync(string database)
    {
        Assert.Equal(service.Orders, await service.ContentAsync(database, "orders"));
        Assert.Equal(service.Events, await service.ContentAsync(database, "events"));
        Assert.Equal(service.OddRows, await service.ContentAsync(database, ExtractService.OddTable));
        Assert.Equal(12.25m, await service.ScalarAsync<decimal>(database, "SELECT amount FROM sales.best"));
    }

    static JsonElement Row(JsonElement report, string name) => report.GetProperty("relations").EnumerateArray().Single(r => r.GetProperty("name").GetString() == name);
}
