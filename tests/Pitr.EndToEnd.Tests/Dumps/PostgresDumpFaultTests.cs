using System.Globalization;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Dumps that go wrong: no catalog entry, nothing left of them, and an error that says what to do.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class PostgresDumpFaultTests(DumpedCluster cluster)
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // So slow that the tool waits for the repository most of the time.
    const string Slowly = "400kB/s";

    [Fact]
    public async Task What_is_wrong_from_the_beginning_is_said_with_the_next_step()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        DumpedCluster.WritePassword(host.Directory["wrong"], "hunter2");
        host.Configure(cluster.Keys(host.Directory["wrong"]));
        var wrong = (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("password authentication failed", "check the password");
        Assert.DoesNotContain("hunter2", wrong.ToString(), StringComparison.Ordinal);

        host.Configure(cluster.Service.Replace("[orders, odd \"name\"]", "[ordres]", StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(1).MustSay("there is no database \"ordres\"", "it has odd \"name\", orders");
        host.Configure(cluster.Service);
        (await host.RunAsync("backup", DumpHost.Service, "--full")).Must(1).MustSay("--full is for services of kind postgres");
        foreach (var command in new[] { "list", "verify", "status" })
        {
            (await host.RunAsync("wal", command, DumpHost.Service)).Must(3).MustSay("is of kind \"postgres-dump\"", "pitr backup, restore, drill, info, expire");
        }
    }

    [Theory]
    [InlineData("tool")]
    [InlineData("server")]
    [InlineData("pitr")]
    public async Task A_dump_that_is_ended_leaves_nothing(string victim)
    {
        using var host = await DumpHost.CreateAsync(cluster.Service, limit: Slowly);
        using var backup = host.Host.Start("backup", DumpHost.Service);
        await host.AwaitPartAsync(backup);
        (await host.RunAsync("backup", DumpHost.Service)).Must(11).MustSay("another process on this host holds the backup lock of service shop");
        switch (victim)
        {
            case "tool":
                Processes.Kill(Child(backup));
                (await backup.EndAsync(Patience)).Must(10).MustSay("pg_dump failed (killed by signal 9) while it wrote orders.dump; no backup was made");
                break;
            case "server":
                await cluster.Cluster.StopAsync(ServerStopMode.Immediate);
                (await backup.EndAsync(Patience)).Must(10).MustSay("pg_dump failed with code 1 while it wrote orders.dump; no backup was made");
                await cluster.Cluster.StartAsync();
                break;
            default:
                await backup.TerminateAsync();
                (await backup.EndAsync(Patience)).Must(130);
                break;
        }

        host.RequireNothingLeft();
        Assert.Empty(Processes.Find("pg_dump", "--no-password"));
        Assert.False((await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("restorable").GetBoolean());
        var recorded = (await host.RunAsync("audit", DumpHost.Service, "-o", "json")).Must().Json.GetProperty("records").EnumerateArray().Last();
        Assert.Equal(("backup", victim == "pitr" ? 130 : 10), (recorded.GetProperty("action").GetString(), recorded.GetProperty("exit-code").GetInt32()));
    }

    [Fact]
    public async Task What_a_killed_run_left_goes_with_a_later_backup()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service, limit: Slowly);
        using (var backup = host.Host.Start("backup", DumpHost.Service))
        {
            await host.AwaitPartAsync(backup);
            await backup.KillAsync();
        }

        Assert.False((await host.RunAsync("info", "-o", "json")).Must().Json.GetProperty("services")[0].GetProperty("restorable").GetBoolean());
        // As if that had been long ago.
        var left = Path.GetDirectoryName(DumpHost.Objects(host.First)[0])!;
        var old = DumpHost.PathOf(host.First, "20200101T000000Z");
        Directory.Move(left, old);
        Array.ForEach(Directory.GetFiles(old), file => File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc)));
        host.Configure(cluster.Service);
        var id = await host.BackupAsync();
        Assert.DoesNotContain(DumpHost.Objects(host.First), file => file.StartsWith(old, StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(DumpHost.PathOf(host.First, id), "dump.json")));
    }

    [Fact]
    public async Task While_one_of_two_repositories_is_down_the_other_has_the_backup_and_it_is_caught_up()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service, required: "1");
        var away = host.Directory["away"];
        Directory.Move(host.Second, away);
        var run = (await host.RunAsync("backup", DumpHost.Service)).Must();
        Assert.Contains("not yet in repository second", run.Output, StringComparison.Ordinal);
        (await host.RunAsync("restore", DumpHost.Service, "--database", "orders", "--into", "x", "--dry-run")).Must(4).MustSay("--repository first");
        (await host.RunAsync("info")).Must(4);
        Directory.Move(away, host.Second);
        (await host.RunAsync("repo", "catch-up")).Must();
        Assert.Equal(DumpHost.Stored(host.First).Select(Path.GetFileName).Order(StringComparer.Ordinal), DumpHost.Stored(host.Second).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Directory.Delete(host.First, recursive: true);
        (await host.RunAsync("restore", DumpHost.Service, "--database", "orders", "--into", "caught_up", "--repository", "second")).Must();
        Assert.Equal(await cluster.ContentAsync("orders", "noise"), await cluster.ContentAsync("caught_up", "noise"));
        await cluster.ExecuteAsync("postgres", "DROP DATABASE caught_up");
    }

    [Fact]
    public async Task A_required_repository_that_is_down_is_no_backup()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        var away = host.Directory["away"];
        Directory.Move(host.Second, away);
        (await host.RunAsync("backup", DumpHost.Service)).Must(4).MustSay("second");
        Directory.Move(away, host.Second);
        host.RequireNothingLeft();
    }

    [SmallDiskFact]
    public async Task A_repository_that_fills_up_meanwhile_is_no_backup()
    {
        using var host = await DumpHost.CreateAsync(cluster.Service);
        Directory.Delete(host.Second, recursive: true);
        Directory.CreateDirectory(host.Second);
        using var disk = SmallDisk.Mount(host.Second, "size=4m");
        host.Host.Through = disk.Enter;
        (await host.RunAsync("repo", "init", "second")).Must();
        (await host.RunAsync("backup", DumpHost.Service)).Must(4).MustSay("No space left on device");
        Assert.Empty(DumpHost.Stored(host.First));
        Assert.Empty(DumpHost.Stored(disk.Seen(host.Second)));
    }

    // A pg_dump of this very run: others dump at the same time.
    static int Child(RunningProgram backup) => Assert.Single(
        Processes.Find("pg_dump", "--format=custom"),
        id => Processes.Read(id, "stat")?.Split(") ")[^1].Split(' ')[1] == backup.ProcessId.ToString(CultureInfo.InvariantCulture));
}
