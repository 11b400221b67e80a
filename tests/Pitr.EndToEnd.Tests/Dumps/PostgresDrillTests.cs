using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>`pitr drill` of a service of kind postgres-dump, with real servers.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class PostgresDrillTests(DumpedCluster cluster)
{
    const string Checks = """

        objectives: { rpo: 1d, rto: 1h }
        drill:
          checks:
            customers: { database: orders, sql: SELECT count(*) FROM customers, expect: "500" }
            sold: { database: orders, sql: SELECT count(*) > 0 FROM sales.orders, expect: "true" }
        """;

    [Fact]
    public async Task A_dump_is_restored_beside_the_original_which_is_not_touched()
    {
        // A tablespace of the original lies where the dump says, and must not be used.
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var space = host.Directory.New("tablespace");
        await cluster.ExecuteAsync("postgres", $"CREATE TABLESPACE fast LOCATION '{space}'");
        await cluster.ExecuteAsync("postgres", "CREATE DATABASE spread");
        await cluster.ExecuteAsync("spread", "CREATE TABLE quick (id int) TABLESPACE fast; INSERT INTO quick SELECT generate_series(1, 7)");
        try
        {
            host.Configure(cluster.Service.Replace("databases: [", "databases: [spread, ", StringComparison.Ordinal) + Checks);
            var id = await host.BackupAsync();
            var before = (await ServerAsync(), Directory.GetFileSystemEntries(space));
            var drill = new DumpDrill(host);
            var html = host.Directory["drill.html"];
            var report = (await drill.RunAsync(0, "--report", html)).Json;

            Assert.Equal((id, "postgres-dump", "latest"), (report.GetProperty("backup").GetString(), report.GetProperty("kind").GetString(), report.GetProperty("target").GetString()));
            Assert.Equal(["plan", "make", "restore", "start", "check"], DumpDrill.Names(report.GetProperty("phases")));
            Assert.StartsWith("PostgreSQL 15.", DumpDrill.Detail(report, "server answers"), StringComparison.Ordinal);
            Assert.Equal("indexes: 4, tables: 3, views: 1; as when it was dumped", DumpDrill.Detail(report, "contents of orders"));
            Assert.Contains("500, as expected (500)", DumpDrill.Detail(report, "sql customers"), StringComparison.Ordinal);
            var rows = report.GetProperty("row-counts").GetProperty("largest").EnumerateArray().ToDictionary(t => t.GetProperty("table").GetString()!, t => t.GetProperty("rows").GetInt64());
            Assert.Equal((12000, 2000, 500, 7, 1), (rows["public.noise"], rows["sales.orders"], rows["public.customers"], rows["public.quick"], rows["public.t"]));
            Assert.InRange(report.GetProperty("rpo-seconds").GetDouble(), 0, 86400);
            Assert.True(report.GetProperty("rto-seconds").GetDouble() > 0);
            Assert.Empty(report.GetProperty("warnings").EnumerateArray());
            Assert.Contains("of a dump of kind postgres-dump", await File.ReadAllTextAsync(html), StringComparison.Ordinal);
            Assert.Equal(before.Item1, await ServerAsync());
            Assert.Equal(before.Item2, Directory.GetFileSystemEntries(space));
            Assert.Equal(report.GetProperty("id").GetString(), (await host.RunAsync("drill", "report", DumpHost.Service, "-o", "json")).Must().Json.GetProperty("drills")[0].GetProperty("id").GetString());
            (await host.RunAsync("drill", "report", DumpHost.Service, "latest")).Must();

            // Tables that had rows in the last drill, and the objective.
            await cluster.ExecuteAsync("spread", "TRUNCATE quick");
            await host.BackupAsync();
            host.Configure(cluster.Service.Replace("databases: [", "databases: [spread, ", StringComparison.Ordinal) + Checks.Replace("rpo: 1d", "rpo: 1s", StringComparison.Ordinal));
            await Task.Delay(TimeSpan.FromSeconds(1.5));
            report = (await drill.RunAsync(9)).Json;
            Assert.Contains("table public.quick of database spread is empty; it had 7 rows", report.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
            Assert.Contains("misses the objective of 1 s", Assert.Single(DumpDrill.Failures(report)), StringComparison.Ordinal);
            var older = (await drill.RunAsync(9, "--backup", id)).Json;
            Assert.Equal((id, id), (older.GetProperty("backup").GetString(), older.GetProperty("target").GetString()));
        }
        finally
        {
            await cluster.ExecuteAsync("postgres", "DROP DATABASE spread");
            await cluster.ExecuteAsync("postgres", "DROP TABLESPACE fast");
        }
    }

    [Fact]
    public async Task What_is_missing_or_wrong_fails_the_drill_and_the_rest_is_looked_at_all_the_same()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var drill = new DumpDrill(host);
        Assert.Contains("no backup of service shop yet", Assert.Single(DumpDrill.Failures((await drill.RunAsync(9)).Json)), StringComparison.Ordinal);

        // A double of pg_dump that leaves a table out.
        var programs = host.Directory.New("programs");
        DumpDrill.WriteDouble(Path.Combine(programs, "pg_dump"), "exec /usr/lib/postgresql/15/bin/pg_dump \"$@\" --exclude-table=customers --exclude-table=names\n");
        host.Configure(cluster.Service + $"\nbin-directory: {programs}" + Checks);
        await host.BackupAsync();
        host.Configure(cluster.Service + Checks);
        var report = (await drill.RunAsync(9)).Json;
        Assert.Equal("tables: 2, but the server had 3; indexes: 3, but the server had 4; views: 0, but the server had 1", Sorted(DumpDrill.Detail(report, "contents of orders")));
        Assert.Contains("\"customers\" does not exist", DumpDrill.Detail(report, "sql customers"), StringComparison.Ordinal);
        Assert.True(DumpDrill.Check(report, "sql sold").GetProperty("passed").GetBoolean());
        Assert.Equal(["contents of orders", "sql customers"], DumpDrill.Failures(report).Select(f => f.Split(':')[0]));

        (await host.RunAsync("drill", DumpHost.Service, "--target-time", "2026-01-01Z")).Must(1).MustSay("--target-time is for services of kind postgres");
        (await host.RunAsync("drill", DumpHost.Service, "--backup", "yesterday")).Must(1).MustSay("is no backup");

        static string Sorted(string detail) => string.Join("; ", detail.Split("; ").OrderByDescending(part => part.StartsWith("tables", StringComparison.Ordinal)).ThenBy(part => part, StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_a_killed_drill_leaves_goes_with_the_next_one()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service + Checks);
        await host.BackupAsync();
        var drill = new DumpDrill(host);
        await drill.KillInSetupAsync("--pgdata=");
        await drill.KillAndClearAsync("cluster_name=pitr_scratch", "with its PostgreSQL, process ");
        await drill.InterruptAsync("cluster_name=pitr_scratch");
    }

    async Task<string> ServerAsync() =>
        await cluster.ScalarAsync<string>("postgres", "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database") + await cluster.ScalarAsync<string>("postgres", "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles")
        + await cluster.ContentAsync("orders", "customers") + await cluster.ContentAsync("orders", "noise");
}
