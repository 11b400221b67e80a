using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A service of kind mysql, with a real MariaDB and its real tools.</summary>
public sealed class MysqlTests(MariaDbServer server) : IClassFixture<MariaDbServer>
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_database_comes_back_under_another_name_with_all_that_belongs_to_it()
    {
        await server.MakeAsync("story", 3000);
        using var host = await DumpHost.CreateAsync(server.Service("story"));
        var id = await host.BackupAsync();
        var shown = (await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups")[0];
        Assert.Equal(("MariaDB", "story"), (shown.GetProperty("product").GetString(), shown.GetProperty("streams")[0].GetProperty("database").GetString()));
        (await ProgramRun.RunAsync("/usr/bin/sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], directory: DumpHost.PathOf(host.Second, id))).Must();

        (await host.RunAsync("restore", DumpHost.Service)).Must(7).MustSay("database story on the server at", "is not empty", "--into NAME");
        (await host.RunAsync("restore", DumpHost.Service, "--table", "customers")).Must(1).MustSay("are for services of kind postgres-dump");
        Assert.Contains("told, which is made", (await host.RunAsync("restore", DumpHost.Service, "--into", "told", "--dry-run")).Must().Output, StringComparison.Ordinal);
        Assert.Equal("", await server.SqlAsync("SHOW DATABASES LIKE 'told'"));
        (await host.RunAsync("restore", DumpHost.Service, "--into", "told")).Must();
        Assert.Equal(await server.ContentAsync("story"), await server.ContentAsync("told"));
        Assert.Equal("latin1_german1_ci", await server.SqlAsync("SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = 'told'"));
        Assert.Equal("1", await server.SqlAsync("SELECT told.one()"));
        Assert.Equal("1\t1", await server.SqlAsync("SELECT (SELECT COUNT(*) FROM information_schema.events WHERE event_schema = 'told'), (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = 'told')"));
        await server.SqlAsync("DROP DATABASE told; DROP DATABASE story");
    }

    [Fact]
    public async Task Dumps_are_checked_verified_pinned_and_expired()
    {
        await server.MakeAsync("lived", 100);
        using var host = await DumpHost.CreateAsync(server.Service("lived"));
        await DumpLifecycle.RunAsync(host, "may read all of its definitions");
        await server.SqlAsync("DROP DATABASE lived");
    }

    [Fact]
    public async Task What_is_wrong_is_said_with_the_next_step_and_leaves_no_backup()
    {
        await server.MakeAsync("wrong", 10);
        using var host = await DumpHost.CreateAsync(server.Service("wrong"));
        DumpedCluster.WritePassword(host.Directory["other"], "hunter2");
        host.Configure(server.ServiceWith(host.Directory["other"], "wrong"));
        var refused = (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("Access denied for user", "check user and password");
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        host.Configure(server.Service("wrogn"));
        (await host.RunAsync("backup", DumpHost.Service)).Must(1).MustSay("there is no database \"wrogn\"", "it has");
        host.Configure(server.Service("wrong") + $"\nbin-directory: {host.Directory.New("empty")}");
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("no mariadb or mysql found", "install mariadb-client");
        host.Configure(server.Service("wrong").Replace("port: ", "port: 1 # ", StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("Can't connect", "is the server running there");
        // A view of nothing: the tool says so and ends with an error, after it has written a good part.
        await server.SqlAsync("CREATE VIEW wrong.broken AS SELECT what FROM wrong.changes; DROP TABLE wrong.changes");
        host.Configure(server.Service("wrong"));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("while it wrote wrong.sql; no backup was made", "broken");
        host.RequireNothingLeft();
        await server.SqlAsync("DROP DATABASE wrong");
    }

    [Fact]
    public async Task A_tool_that_is_killed_leaves_no_backup()
    {
        await server.MakeAsync("killed", 12000);
        using var host = await DumpHost.CreateAsync(server.Service("killed"), limit: "400kB/s");
        using var backup = host.Host.Start("backup", DumpHost.Service);
        await host.AwaitPartAsync(backup);
        Processes.Kill(Assert.Single(Processes.Find("mariadb-dump", "--single-transaction", " killed")));
        (await backup.EndAsync(Patience)).Must(10).MustSay("killed by signal 9", "no backup was made");
        host.RequireNothingLeft();
        await server.SqlAsync("DROP DATABASE killed");
    }

    [Fact]
    public async Task A_restore_that_fails_removes_what_it_made()
    {
        await server.MakeAsync("halved", 50);
        using var host = await DumpHost.CreateAsync(server.Service("halved"));
        await host.BackupAsync();
        // May make tables, but no triggers, which come after them.
        await server.SqlAsync("DROP DATABASE halved; CREATE USER maker@'127.0.0.1' IDENTIFIED BY 'maker'; GRANT SELECT, INSERT, CREATE, DROP, ALTER, LOCK TABLES ON *.* TO maker@'127.0.0.1'");
        DumpedCluster.WritePassword(host.Directory["maker"], "maker");
        host.Configure(server.ServiceWith(host.Directory["maker"], "halved").Replace($"user: {server.Server["MARIADB_USER"]}", "user: maker", StringComparison.Ordinal));
        (await host.RunAsync("restore", DumpHost.Service)).Must(10).MustSay("what it had made is gone again: ERROR ", "make the user of the service one that may");
        Assert.Equal("", await server.SqlAsync("SHOW DATABASES LIKE 'halved'"));
        await server.SqlAsync("DROP USER maker@'127.0.0.1'");
    }
}
