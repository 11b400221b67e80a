using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>`pitr drill` of a service of kind mysql, with real MariaDB servers.</summary>
public sealed class MysqlDrillTests(MariaDbServer server) : IClassFixture<MariaDbServer>
{
    [Fact]
    public async Task A_dump_is_restored_into_a_server_of_its_own_and_checked()
    {
        await server.MakeAsync("drilled", 2000);
        await server.SqlAsync("CREATE USER seller@'10.%' IDENTIFIED BY 'x'; GRANT ALL ON drilled.* TO seller@'10.%'; CREATE DEFINER=seller@'10.%' VIEW drilled.names AS SELECT name FROM drilled.customers");
        using var host = await DumpHost.CreateAsync(Keys());
        var id = await host.BackupAsync();
        var before = await LiveAsync();
        var drill = new DumpDrill(host);
        var report = (await drill.RunAsync(0)).Json;

        Assert.Equal((id, "mysql"), (report.GetProperty("backup").GetString(), report.GetProperty("kind").GetString()));
        Assert.Equal(["plan", "make", "restore", "start", "check"], DumpDrill.Names(report.GetProperty("phases")));
        Assert.StartsWith("MariaDB 10.11.", DumpDrill.Detail(report, "server answers"), StringComparison.Ordinal);
        Assert.Equal("tables: 2, views: 1, routines: 1, events: 1, triggers: 1; as when it was dumped", DumpDrill.Detail(report, "contents of drilled"));
        Assert.Equal("2 tables read, 2001 rows", DumpDrill.Detail(report, "tables of drilled"));
        Assert.Equal(
            ["sql count", "sql empty", "sql picture", "sql through-a-view", "sql word", "sql word-null"],
            DumpDrill.Names(report.GetProperty("checks")).Where(n => n.StartsWith("sql ", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(before, await LiveAsync());
        await drill.KillInSetupAsync("--skip-test-db");
        await drill.KillAndClearAsync("--skip-networking", "with its MariaDB, process ");
        await drill.InterruptAsync("--skip-networking");
    }

    [Fact]
    public async Task What_is_missing_or_wrong_fails_the_drill_and_an_older_server_is_refused()
    {
        await server.MakeAsync("short", 50);
        var service = server.Service("short") + """

            objectives: { rpo: 1d, rto: 1h }
            drill:
              check-timeout: 20s
              checks:
                wrong: { sql: SELECT count(*) FROM short.customers, expect: "52" }
                nonsense: { sql: SELECT nonsense, expect: "1" }
                several: { sql: SELECT 1; SELECT 2, expect: "1" }
                no-query: { database: short, sql: CREATE TABLE scratch (id int), expect: "1" }
                two-columns: { sql: "SELECT 1, 2", expect: "1" }
                rows: { database: short, sql: SELECT id FROM customers, expect: rows = 51 }
            """;
        using var host = await DumpHost.CreateAsync(service);
        // A double of mariadb-dump that leaves a table out.
        var programs = host.Directory.New("programs");
        File.CreateSymbolicLink(Path.Combine(programs, "mariadb"), "/usr/bin/mariadb");
        DumpDrill.WriteDouble(
            Path.Combine(programs, "mariadb-dump"), "first=$1; shift; [ $# -gt 0 ] || exec /usr/bin/mariadb-dump $first\nexec /usr/bin/mariadb-dump $first --ignore-table=short.changes --skip-triggers \"$@\"\n");
        host.Configure(service + $"\nbin-directory: {programs}");
        await host.BackupAsync();
        host.Configure(service);
        var drill = new DumpDrill(host);
        var report = (await drill.RunAsync(9)).Json;
        Assert.Contains("tables: 1, but the server had 2", DumpDrill.Detail(report, "contents of short"), StringComparison.Ordinal);
        Assert.Equal("51, but expected is 52", DumpDrill.Detail(report, "sql wrong"));
        Assert.Contains("Unknown column 'nonsense'", DumpDrill.Detail(report, "sql nonsense"), StringComparison.Ordinal);
        Assert.Contains("several queries", DumpDrill.Detail(report, "sql several"), StringComparison.Ordinal);
        Assert.Contains("gives no rows", DumpDrill.Detail(report, "sql no-query"), StringComparison.Ordinal);
        Assert.Contains("1 rows of 2 columns", DumpDrill.Detail(report, "sql two-columns"), StringComparison.Ordinal);
        Assert.True(DumpDrill.Check(report, "sql rows").GetProperty("passed").GetBoolean());

        // A double that says it is an older server.
        DumpDrill.WriteDouble(Path.Combine(programs, "mariadbd"), "echo 'mariadbd  Ver 10.6.21-MariaDB-0ubuntu0.22.04.2 for debian-linux-gnu on x86_64 (Ubuntu 22.04)'\n");
        host.Configure(service + $"\nbin-directory: {programs}");
        var refused = Assert.Single(DumpDrill.Failures((await drill.RunAsync(9)).Json));
        Assert.Contains("is of MariaDB 10.11.", refused, StringComparison.Ordinal);
        Assert.Contains("has 10.6.21-MariaDB-0ubuntu0.22.04.2, which is older", refused, StringComparison.Ordinal);
    }

    string Keys() => server.Service("drilled") + """

        objectives: { rpo: 1d, rto: 1h }
        drill:
          checks:
            count: { sql: SELECT count(*) FROM drilled.customers, expect: ">= 2001" }
            through-a-view: { database: drilled, sql: SELECT count(*) FROM names, expect: "2001" }
            picture: { database: drilled, sql: SELECT hex(picture) FROM customers WHERE id = 0, expect: 000A0D1A5C2700FF }
            word: { sql: "SELECT 'NULL & <b>'", expect: "NULL & <b>" }
            word-null: { sql: SELECT NULL, expect: is null }
            empty: { database: drilled, sql: SELECT id FROM customers WHERE id < 0, expect: rows = 0 }
        """;

    Task<string> LiveAsync() => server.SqlAsync("SELECT group_concat(schema_name ORDER BY schema_name), (SELECT count(*) FROM mysql.user), (SELECT count(*) FROM drilled.customers) FROM information_schema.schemata WHERE schema_name = 'drilled'");
}
