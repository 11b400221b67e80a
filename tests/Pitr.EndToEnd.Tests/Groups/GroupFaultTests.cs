using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>Whatever fails while a group is restored, its services are what they were.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class GroupFaultTests(DumpedCluster cluster, MariaDbServer server) : IClassFixture<MariaDbServer>
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    async Task<(GroupHost Group, string Now)> ChangedAsync(string name)
    {
        var group = await GroupHost.CreateAsync(cluster, server, name);
        (await group.RunAsync("backup", "--all")).Must();
        await group.ChangeAsync();
        return (group, await group.StateAsync());
    }

    [Fact]
    public async Task A_health_check_that_fails_puts_everything_back_and_keeps_what_was_in_use()
    {
        var (group, now) = await ChangedAsync("grp_sick");
        await using var _ = group;
        group.Touch("fail-check-shop");
        var run = (await group.RunAsync("restore", "--all", "latest", "-o", "json")).Must(10)
            .MustSay("checking the applications of service shop failed: the health check did not pass within 3 s", "the application will not check-shop", "services.shop.applications.health-check", "rolled back: ", "their applications are started");
        Assert.Equal(["rolled back", "rolled back"], run.Json.GetProperty("services").EnumerateArray().Select(s => s.GetProperty("result").GetString()));
        Assert.Equal(now, await group.StateAsync());
        Assert.Equal(["start-shop", "start"], group.Told[^2..]);
        var (db, shop) = await group.AsideAsync();
        Assert.Contains("_undone_", Assert.Single(db), StringComparison.Ordinal);
        Assert.Contains("_undone_", Assert.Single(shop), StringComparison.Ordinal);
        Assert.Contains("rolled back", (await group.RunAsync("audit", "db")).Must().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_restore_that_fails_takes_the_first_back()
    {
        var (group, now) = await ChangedAsync("grp_second");
        await using var _ = group;
        // After everything was found whole, and before it is fetched.
        group.Touch("on-stop", $"rm {group.Host.Repository}/services/shop/dumps/*/000000");
        (await group.RunAsync("restore", "--all", "latest")).Must(5).MustSay("restoring service shop failed: ", "shop: database grp_second is what it was", "db: database grp_second is what it was");
        Assert.Equal(now, await group.StateAsync());
        Assert.Equal(["stop", "stop-shop", "start-shop", "start"], group.Told);
        await group.RequireNothingAsideAsync();
        (await group.RunAsync("restore", "--all", "latest")).Must(5).MustSay("of service shop is not complete", "nothing was changed");
        Assert.Equal(4, group.Told.Length);
    }

    [Fact]
    public async Task Commands_that_fail_are_named_and_everything_is_put_back()
    {
        var (group, now) = await ChangedAsync("grp_commands");
        await using var _ = group;
        group.Touch("fail-stop-shop");
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("stopping the applications of service shop failed: ", "ended with 3: the application will not stop-shop", "no service was touched");
        Assert.Equal(["stop", "stop-shop", "start-shop", "start"], group.Told);
        File.Delete(group["fail-stop-shop"]);
        group.Touch("fail-start");
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("starting the applications of the group failed: ", "the services are what they were, but their applications could not be started", "HINT: start them by hand");
        Assert.Equal(now, await group.StateAsync());
        File.Delete(group["fail-start"]);
        group.Touch("hang-stop-shop");
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("not done within 3 s");
        File.Delete(group["hang-stop-shop"]);
        DumpedCluster.WritePassword(group["password-shop"], "hunter2");
        var told = group.Told.Length;
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("Access denied");
        Assert.Equal(told, group.Told.Length);
        DumpedCluster.WritePassword(group["password-shop"], server.Server["MARIADB_PASSWORD"]);
        Assert.Equal(now, await group.StateAsync());
    }

    [Fact]
    public async Task After_a_kill_nothing_else_begins_and_what_was_there_comes_back()
    {
        var (group, now) = await ChangedAsync("grp_killed");
        await using var _ = group;
        group.Touch("hang-check");
        using (var restore = group.Host.Start("restore", "--all", "latest"))
        {
            await group.AwaitToldAsync("check");
            (await group.RunAsync("restore", "--all", "latest")).Must(11).MustSay("another run over the group is going on: pitr restore --all, process ");
            (await group.RunAsync("backup", "--all")).Must(11);
            (await group.RunAsync("backup", "shop")).Must(11);
            await restore.KillAsync();
        }

        File.Delete(group["hang-check"]);
        Assert.NotEqual(now, await group.StateAsync());
        (await group.RunAsync("restore", "--all", "latest")).Must(8).MustSay("was interrupted", "pitr restore --all --roll-back");
        (await group.RunAsync("restore", "--all", "--confirm")).Must(8).MustSay("was interrupted");
        Assert.Contains("restored", (await group.RunAsync("restore", "--all", "--roll-back", "--dry-run")).Must().Output, StringComparison.Ordinal);
        (await group.RunAsync("restore", "--all", "--roll-back")).Must();
        Assert.Equal(now, await group.StateAsync());
    }

    [Fact]
    public async Task A_kill_in_the_middle_of_moving_tables_aside_loses_none()
    {
        var (group, now) = await ChangedAsync("grp_middle");
        await using var _ = group;
        // Somebody reads a table in a transaction that does not end: it cannot be renamed meanwhile. Triggers of others are gone by then.
        using (var reader = RunningProgram.Start(
            "/usr/bin/mariadb",
            ["--no-defaults", $"--host={server.Server["MARIADB_HOST"]}", $"--port={server.Server["MARIADB_PORT"]}", $"--user={server.Server["MARIADB_USER"]}", $"--execute=BEGIN; SELECT COUNT(*) FROM {group.Database}.orders; SELECT SLEEP(600)"],
            new Dictionary<string, string> { ["MYSQL_PWD"] = server.Server["MARIADB_PASSWORD"] }))
        {
            await Eventually.IsTrueAsync(async () => (await server.SqlAsync("SHOW PROCESSLIST")).Contains("SLEEP(600)", StringComparison.Ordinal), () => "the reader reads");
            using var restore = group.Host.Start("restore", "--all", "latest");
            await Eventually.IsTrueAsync(async () => (await server.SqlAsync("SHOW PROCESSLIST")).Contains($"RENAME TABLE `{group.Database}`", StringComparison.Ordinal), () => "the tables are being renamed");
            await restore.KillAsync();
        }

        await server.SqlAsync("SELECT CONCAT('KILL ', id) INTO @k FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND id <> CONNECTION_ID() LIMIT 1; EXECUTE IMMEDIATE @k");
        (await group.RunAsync("restore", "--all", "--roll-back")).Must();
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();
    }

    [Fact]
    public async Task Ctrl_C_puts_everything_back()
    {
        var (group, now) = await ChangedAsync("grp_stopped");
        await using var _ = group;
        group.Touch("hang-check");
        using var restore = group.Host.Start("restore", "--all", "latest");
        await group.AwaitToldAsync("check");
        await restore.TerminateAsync();
        (await restore.EndAsync(Patience)).Must(130).MustSay("interrupted while checking the applications of the group", "rolled back: ");
        Assert.Equal(now, await group.StateAsync());
    }

    [Fact]
    public async Task Wherever_it_is_killed_what_was_there_comes_back()
    {
        var (group, now) = await ChangedAsync("grp_anywhere");
        await using var _ = group;
        var journal = Path.Combine(group.Host.StateDirectory, "groups", "restore.json");
        var phases = new HashSet<string>(StringComparer.Ordinal);
        // Killed at its first step, then at its second, until one comes to its end before it is killed.
        for (var (step, ended) = (1, false); !ended; step++)
        {
            using var restore = group.Host.Start("restore", "--all", "latest");
            var (seen, last) = (0, "");
            while (seen < step && !restore.HasExited)
            {
                if (TryRead(journal) is { Length: > 0 } text && text != last)
                {
                    (seen, last) = (seen + 1, text);
                }

                await Task.Delay(1);
            }

            ended = restore.HasExited;
            await restore.KillAsync();
            if (ended)
            {
                (await restore.EndAsync(Patience)).Must();
            }

            phases.Add(last);
            if (File.Exists(journal))
            {
                (await group.RunAsync("restore", "--all", "--roll-back")).Must();
            }

            Assert.Equal(now, await group.StateAsync());
            Assert.False(File.Exists(journal));
            Assert.DoesNotContain((await group.AsideAsync()).Shop.Concat((await group.AsideAsync()).Db), name => !name.Contains("_undone_", StringComparison.Ordinal));
        }

        Assert.True(phases.Count > 5, $"killed in {phases.Count} different states");
    }

    [Fact]
    public async Task Nothing_is_dropped_that_the_user_could_not_make_anew()
    {
        var (group, now) = await ChangedAsync("grp_definer");
        await using var _ = group;
        await server.SqlAsync("""
            CREATE USER keeper@'127.0.0.1' IDENTIFIED BY 'keeper';
            GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, LOCK TABLES, SHOW VIEW, CREATE VIEW, TRIGGER, EVENT, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, RELOAD, BINLOG MONITOR, PROCESS ON *.* TO keeper@'127.0.0.1'
            """);
        try
        {
            DumpedCluster.WritePassword(group["password-shop"], "keeper");
            File.WriteAllText(group.Host.ConfigurationFile, File.ReadAllText(group.Host.ConfigurationFile).Replace($"user: {server.Server["MARIADB_USER"]}", "user: keeper", StringComparison.Ordinal));
            (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("could not be made anew on the way back, so nothing was touched", "make the user of the service one that may", "shop: database grp_definer is what it was");
            Assert.Equal(now, await group.StateAsync());
            await group.RequireNothingAsideAsync();
        }
        finally
        {
            await server.SqlAsync("DROP USER keeper@'127.0.0.1'");
        }
    }

    static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // Not there yet.
            return null;
        }
    }
}
