using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Users, roles and grants of a service of kind mysql, with a real MariaDB.</summary>
public sealed class MysqlAccountTests(MariaDbServer server) : IClassFixture<MariaDbServer>
{
    [Fact]
    public async Task Accounts_that_are_not_there_come_back_with_all_they_may_do_and_the_others_stay()
    {
        await server.MakeAsync("ledger", 5);
        await server.SqlAsync("""
            CREATE ROLE acc_reader; CREATE ROLE acc_writer; GRANT acc_reader TO acc_writer;
            GRANT SELECT ON ledger.* TO acc_reader; GRANT INSERT (id) ON ledger.customers TO acc_writer;
            CREATE USER `acc_ann's`@`%` IDENTIFIED BY 'one' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3;
            GRANT acc_writer TO `acc_ann's`@`%`; SET DEFAULT ROLE acc_writer FOR `acc_ann's`@`%`; GRANT ALL ON ledger.* TO `acc_ann's`@`%` WITH GRANT OPTION;
            CREATE USER acc_bob@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('two');
            CREATE USER acc_stays@localhost IDENTIFIED BY 'three'; GRANT SELECT ON ledger.* TO acc_stays@localhost
            """);
        using var host = await DumpHost.CreateAsync(server.Service("ledger"));
        var backup = (await host.RunAsync("--output", "json", "backup", DumpHost.Service)).Must();
        var stream = backup.Json.GetProperty("streams")[1];
        Assert.Equal(("accounts.json", "mysql-accounts", false), (stream.GetProperty("name").GetString(), stream.GetProperty("format").GetString(), stream.TryGetProperty("database", out _)));
        Assert.True(stream.GetProperty("counts").Counted("accounts") >= 5);
        var before = await GrantsAsync();
        var hash = (await server.SqlAsync("SHOW CREATE USER `acc_ann's`@`%`")).Split('\'')[^2];
        Assert.StartsWith("*", hash, StringComparison.Ordinal);

        await server.SqlAsync("""
            DROP USER `acc_ann's`@`%`, acc_bob@localhost; DROP ROLE acc_reader, acc_writer;
            ALTER USER acc_stays@localhost IDENTIFIED BY 'changed'; REVOKE SELECT ON ledger.* FROM acc_stays@localhost
            """);
        var changed = await server.SqlAsync("SHOW GRANTS FOR acc_stays@localhost");
        (await host.RunAsync("restore", DumpHost.Service, "--into", "ledger_back")).Must();
        Assert.Equal("", await server.SqlAsync("SELECT user FROM mysql.user WHERE user LIKE 'acc_bob'"));
        var restore = (await host.RunAsync("restore", DumpHost.Service, "--into", "ledger_again", "--globals")).Must().MustSay("accounts that are there already stay as they are:", "`acc_stays`@`localhost`");
        Assert.Equal(before, await GrantsAsync());
        Assert.Equal(changed, await server.SqlAsync("SHOW GRANTS FOR acc_stays@localhost"));

        Assert.All(new[] { backup.ToString(), restore.ToString(), (await host.RunAsync("info", "-o", "json")).Must().ToString(), (await host.RunAsync("audit", DumpHost.Service, "-o", "json")).Must().ToString() },
            text => Assert.DoesNotContain(hash, text, StringComparison.Ordinal));
        Assert.All(DumpHost.Stored(host.First), file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(hash)) < 0));
        await server.SqlAsync("DROP USER `acc_ann's`@`%`, acc_bob@localhost, acc_stays@localhost; DROP ROLE acc_reader, acc_writer; DROP DATABASE ledger; DROP DATABASE ledger_back; DROP DATABASE ledger_again");

        async Task<string> GrantsAsync() => await server.SqlAsync(
            "SHOW CREATE USER `acc_ann's`@`%`; SHOW GRANTS FOR `acc_ann's`@`%`; SHOW CREATE USER acc_bob@localhost; SHOW GRANTS FOR acc_bob@localhost; SHOW GRANTS FOR acc_reader; SHOW GRANTS FOR acc_writer");
    }

    [Fact]
    public async Task An_account_that_cannot_be_shown_is_named_and_a_grant_that_cannot_be_given_as_well()
    {
        await server.MakeAsync("partly", 5);
        // In the table, but not in what the server works with.
        await server.SqlAsync("INSERT INTO mysql.global_priv VALUES ('nowhere', 'acc_ghost', '{}'); CREATE USER acc_eve@localhost IDENTIFIED BY 'x'; GRANT SELECT ON partly.customers TO acc_eve@localhost");
        using var host = await DumpHost.CreateAsync(server.Service("partly"));
        var backup = (await host.RunAsync("--output", "json", "backup", DumpHost.Service)).Must();
        Assert.Contains(
            backup.Json.GetProperty("messages").EnumerateArray().Select(m => m.GetString()!),
            m => m.StartsWith("not in the dump, because the server cannot show it: account `acc_ghost`@`nowhere`", StringComparison.Ordinal) && m.Contains(": ERROR 1133", StringComparison.Ordinal));
        await server.SqlAsync("DROP USER acc_eve@localhost; DROP DATABASE partly; DELETE FROM mysql.global_priv WHERE user = 'acc_ghost'");
        // The table that the grant is for is not there under this name.
        (await host.RunAsync("restore", DumpHost.Service, "--into", "partly_back", "--globals")).Must().MustSay("account `acc_eve`@`localhost` lacks something it had: ERROR 1146");
        Assert.Equal("acc_eve", await server.SqlAsync("SELECT user FROM mysql.user WHERE user LIKE 'acc_%'"));
        await server.SqlAsync("DROP USER acc_eve@localhost; DROP DATABASE partly_back");
    }

    [Fact]
    public async Task A_user_who_may_not_see_accounts_dumps_the_databases()
    {
        await server.MakeAsync("narrow", 5);
        await server.SqlAsync("DROP FUNCTION narrow.one; CREATE USER acc_narrow@'127.0.0.1' IDENTIFIED BY 'narrow'; GRANT ALL ON narrow.* TO acc_narrow@'127.0.0.1'; GRANT RELOAD, BINLOG MONITOR ON *.* TO acc_narrow@'127.0.0.1'");
        using var host = await DumpHost.CreateAsync(server.Service("narrow"));
        DumpedCluster.WritePassword(host.Directory["narrow"], "narrow");
        host.Configure(As(server.ServiceWith(host.Directory["narrow"], "narrow"), "acc_narrow"));
        (await host.RunAsync("backup", DumpHost.Service)).Must().MustSay("no accounts are in the dump: ERROR 1142", "grant SELECT on the database mysql");
        await server.SqlAsync("DROP DATABASE narrow; DROP USER acc_narrow@'127.0.0.1'");
    }

    [Fact]
    public async Task Where_one_account_cannot_be_made_none_is()
    {
        await server.MakeAsync("failing", 5);
        await server.SqlAsync("""
            CREATE USER acc_first@localhost IDENTIFIED BY 'x';
            INSERT INTO mysql.global_priv VALUES ('localhost', 'acc_second', '{"access":0,"plugin":"nosuchplugin","authentication_string":"sesame"}'); FLUSH PRIVILEGES
            """);
        using var host = await DumpHost.CreateAsync(server.Service("failing"));
        await host.BackupAsync();
        await server.SqlAsync("DROP USER acc_first@localhost; DELETE FROM mysql.global_priv WHERE user = 'acc_second'; FLUSH PRIVILEGES");
        var failed = (await host.RunAsync("restore", DumpHost.Service, "--into", "failing_back", "--globals")).Must(10)
            .MustSay("account `acc_second`@`localhost` could not be made, and those that were are gone again: ERROR 1524", "nosuchplugin");
        Assert.DoesNotContain("sesame", failed.ToString(), StringComparison.Ordinal);
        Assert.Equal("", await server.SqlAsync("SELECT user FROM mysql.user WHERE user LIKE 'acc_%'"));
        await server.SqlAsync("DROP DATABASE failing; DROP DATABASE failing_back");
    }

    string As(string service, string user) => service.Replace($"user: {server.Server["MARIADB_USER"]}", $"user: {user}", StringComparison.Ordinal);
}
