using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>Services of two kinds are backed up and restored together, with real servers: there, back, and for good.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class GroupTests(DumpedCluster cluster, MariaDbServer server) : IClassFixture<MariaDbServer>
{
    [Fact]
    public async Task A_group_goes_back_to_its_backup_and_forth_again_and_what_was_there_is_removed_only_when_confirmed()
    {
        await using var group = await GroupHost.CreateAsync(cluster, server, "grp_story");
        var backups = (await group.RunAsync("backup", "--all", "-o", "json")).Must().Json.GetProperty("services").EnumerateArray().ToArray();
        Assert.Equal(["db", "shop"], backups.Select(s => s.GetProperty("service").GetString()));
        var then = await group.StateAsync();
        await group.ChangeAsync();
        var now = await group.StateAsync();
        Assert.NotEqual(then, now);

        var plan = (await group.RunAsync("restore", "--all", "latest", "--dry-run")).Must().Output;
        Assert.All(["1. stop: ", "db: restore database grp_story as grp_story_new_", "shop: move the tables of database grp_story to grp_story_before_", "check: ", "the newest"], word => Assert.Contains(word, plan, StringComparison.Ordinal));
        Assert.Empty(group.Told);
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();

        (await group.RunAsync("restore", "--all", "latest")).Must();
        Assert.Equal(then, await group.StateAsync());
        Assert.Equal(["stop", "stop-shop", "start-shop", "start", "check-shop", "check"], group.Told);
        var (db, shop) = await group.AsideAsync();
        Assert.StartsWith("grp_story_before_", Assert.Single(db), StringComparison.Ordinal);
        Assert.StartsWith("grp_story_before_", Assert.Single(shop), StringComparison.Ordinal);
        (await group.RunAsync("restore", "--all", "latest")).Must(8).MustSay("still keeps what was there before", "--confirm", "--roll-back");
        var info = (await group.RunAsync("info")).Must().Output;
        Assert.All(["postgres-dump", "mysql", "the moment of each backup"], word => Assert.Contains(word, info, StringComparison.Ordinal));
        Assert.All(["backup --all", "restore --all"], word => Assert.Contains(word, group.RunAsync("audit", "shop").Result.Must().Output, StringComparison.Ordinal));

        // Something is written before somebody finds that it was the wrong moment.
        await cluster.ExecuteAsync(group.Database, "INSERT INTO public.notes (note) VALUES ('since')");
        Assert.Contains("rolled back: ", (await group.RunAsync("restore", "--all", "--roll-back")).Must().Output, StringComparison.Ordinal);
        Assert.Equal(now, await group.StateAsync());
        (db, shop) = await group.AsideAsync();
        Assert.StartsWith("grp_story_undone_", Assert.Single(db), StringComparison.Ordinal);
        Assert.StartsWith("grp_story_undone_", Assert.Single(shop), StringComparison.Ordinal);
        await cluster.ExecuteAsync("postgres", $"ALTER DATABASE \"{db[0]}\" ALLOW_CONNECTIONS true");
        Assert.StartsWith("2 ", await cluster.ContentAsync(db[0], "public.notes"), StringComparison.Ordinal);
        (await group.RunAsync("restore", "--all", "--roll-back")).Must(8).MustSay("none keeps what was there");

        (await group.RunAsync("restore", "--all", "latest", "--component", "shop")).Must();
        Assert.Equal(2, (await group.AsideAsync()).Shop.Length);
        (await group.RunAsync("restore", "--all", "--confirm")).Must();
        Assert.Equal(shop, (await group.AsideAsync()).Shop);
        (await group.RunAsync("restore", "--all", "latest", "--remove-old")).Must();
        Assert.Equal(then, await group.StateAsync());
        Assert.Equal((1, 1), ((await group.AsideAsync()).Db.Length, (await group.AsideAsync()).Shop.Length));
    }

    [Fact]
    public async Task A_moment_chooses_the_newest_dump_that_had_ended_and_databases_that_are_gone_are_made()
    {
        await using var group = await GroupHost.CreateAsync(cluster, server, "grp_moment");
        (await group.RunAsync("restore", "--all", "latest")).Must(8).MustSay("there is no backup of service db yet");
        (await group.RunAsync("backup", "--all")).Must();
        var then = await group.StateAsync();
        var moment = DateTimeOffset.UtcNow;
        await group.ChangeAsync();
        (await group.RunAsync("backup", "--all")).Must();
        (await group.RunAsync("restore", "--all", "--target-time", "2020-01-01 00:00:00Z")).Must(8).MustSay("no backup of service db had ended by");
        await server.SqlAsync($"DROP DATABASE {group.Database}");
        (await group.RunAsync("restore", "--all", "--target-time", moment.ToString("yyyy-MM-dd HH:mm:ss.ffffff'Z'"), "--remove-old")).Must();
        Assert.Equal(then, await group.StateAsync());
        await group.RequireNothingAsideAsync();

        await server.SqlAsync($"DROP DATABASE {group.Database}");
        group.Touch("fail-check");
        group.Configure();
        File.WriteAllText(group.Host.ConfigurationFile, File.ReadAllText(group.Host.ConfigurationFile).Replace("timeout: 60s", "timeout: 2s", StringComparison.Ordinal));
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("there is no database grp_moment, as before");
        Assert.Equal("", await server.SqlAsync($"SHOW DATABASES LIKE '{group.Database}'"));
        File.Delete(group["fail-check"]);
        (await group.RunAsync("restore", "--all", "latest")).Must();
    }

    [Fact]
    public async Task One_that_fails_stops_no_other_backup_and_the_exit_code_says_so()
    {
        await using var group = await GroupHost.CreateAsync(cluster, server, "grp_partly");
        DumpedCluster.WritePassword(group["password-db"], "hunter2");
        var run = (await group.RunAsync("backup", "--all", "-o", "json")).Must(10).MustSay("pitr: db: ", "password");
        var services = run.Json.GetProperty("services").EnumerateArray().Select(s => (s.GetProperty("service").GetString(), s.GetProperty("exit-code").GetInt32())).ToArray();
        Assert.Equal([("db", 10), ("shop", 0)], services);
        Assert.DoesNotContain("hunter2", run.ToString(), StringComparison.Ordinal);
        Assert.Contains("look at db", (await group.RunAsync("backup", "--all")).Must(10).Output, StringComparison.Ordinal);
        (await group.RunAsync("backup", "--all", "--component", "shop")).Must();
        (await group.RunAsync("backup", "--all", "--component", "shpo")).Must(1).MustSay("no service is named \"shpo\"", "shop");
        Assert.Contains("comes after db", (await group.RunAsync("backup", "--all", "--component", "shop", "--dry-run")).Must().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_before_anything_is_changed()
    {
        await using var group = await GroupHost.CreateAsync(cluster, server, "grp_refused");
        (await group.RunAsync("backup", "--all", "shop")).Must(1).MustSay("a service is named, and --all");
        (await group.RunAsync("backup")).Must(2).MustSay("Required argument missing");
        (await group.RunAsync("backup", "shop", "--component", "db")).Must(2).MustSay("--component belongs to --all");
        (await group.RunAsync("restore", "--all", "latest", "--to", "/tmp/x")).Must(1).MustSay("--to is for one service");
        (await group.RunAsync("restore", "--all", "shop")).Must(1).MustSay("\"shop\" is no moment");
        (await group.RunAsync("restore", "--all", "--confirm", "--roll-back")).Must(1).MustSay("exclude each other");
        (await group.RunAsync("restore", "--all", "--confirm")).Must(8).MustSay("none keeps what was there");
        group.Configure("  cache: { kind: qdrant, url: 'http://127.0.0.1:1', repositories: [local], after: [shop] }");
        (await group.RunAsync("backup", "--all", "--component", "db", "--component", "shop")).Must();
        (await group.RunAsync("restore", "--all", "latest")).Must(8).MustSay("there is no backup of service cache yet");
        group.Configure("  cache: { kind: redis, port: 1, repositories: [local], after: [shpo] }");
        (await group.RunAsync("info")).Must(3).MustSay("services.cache.after", "names \"shpo\", which is no service here", "shop");
        group.Configure("  a: { kind: redis, port: 1, repositories: [local], after: [b] }\n  b: { kind: redis, port: 2, repositories: [local], after: [a, db] }");
        (await group.RunAsync("info")).Must(3).MustSay("makes a circle: ", "a after b after a");
        group.Configure();
        await server.SqlAsync($"CREATE DATABASE {group.Database}_other; CREATE TABLE {group.Database}_other.t (c int, FOREIGN KEY (c) REFERENCES {group.Database}.customers (id))");
        (await group.RunAsync("restore", "--all", "latest")).Must(7).MustSay("has foreign keys to or from others", $"{group.Database}_other.t");
        Assert.Empty(group.Told);
    }
}
