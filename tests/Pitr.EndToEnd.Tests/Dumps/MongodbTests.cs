using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A service of kind mongodb, against a double of MongoDB's tools. scripts/real-services runs the like against the real ones.</summary>
public sealed class MongodbTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_database_comes_back_under_another_name_and_no_secret_is_an_argument()
    {
        var server = await MadeAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"]));
        var backup = (await host.RunAsync("--output", "json", "backup", DumpHost.Service)).Must();
        Assert.Equal(("MongoDB", "7.0.14", "mongodump 100.9.4"), (backup.Json.GetProperty("product").GetString(), backup.Json.GetProperty("server-version").GetString(), backup.Json.GetProperty("tool").GetString()));
        var counts = backup.Json.GetProperty("streams")[0].GetProperty("counts");
        Assert.Equal((250, 0, 3), (counts.Counted("shop.orders"), counts.Counted("shop.empty"), counts.Counted("stock.items")));
        Assert.Equal(0, backup.Json.GetProperty("messages").GetArrayLength());

        (await host.RunAsync("restore", DumpHost.Service)).Must(7).MustSay("database shop, stock is there already", "--into NAME", "--drop");
        (await host.RunAsync("restore", DumpHost.Service, "--into", "look")).Must(1).MustSay("add --database: shop, stock");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shpo")).Must(1).MustSay("has no database \"shpo\"", "shop");
        (await host.RunAsync("restore", DumpHost.Service, "--table", "orders")).Must(1).MustSay("not for services of kind mongodb");
        Assert.Contains("into look, which is made", (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "look", "--dry-run")).Must().Output, StringComparison.Ordinal);
        Assert.DoesNotContain("look.orders", (await server.ShowAsync()).Keys);
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "admin")).Must(1).MustSay("database admin is the server's own");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "look")).Must().MustSay("users and roles of the backup were not brought back");
        var held = await server.ShowAsync();
        Assert.Equal((250, 0, 250, 3), (held["look.orders"], held["look.empty"], held["shop.orders"], held["stock.items"]));
        Assert.DoesNotContain("look.items", held.Keys);

        Assert.All(server.Calls, call => Assert.DoesNotContain("s3cret", call, StringComparison.Ordinal));
        Assert.Contains(server.Calls, call => call.Contains("--config=/proc/", StringComparison.Ordinal));
        Assert.DoesNotContain("s3cret", backup.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_there_is_replaced_only_with_drop()
    {
        var server = await MadeAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"], "databases: [shop]"));
        await host.BackupAsync();
        await server.LoadAsync("shop", "orders", 251, 260);
        await server.LoadAsync("shop", "later", 1, 1);
        (await host.RunAsync("restore", DumpHost.Service)).Must(7).MustSay("database shop is there already");
        (await host.RunAsync("restore", DumpHost.Service, "--drop")).Must();
        var held = await server.ShowAsync();
        Assert.Equal((250, 1), (held["shop.orders"], held["shop.later"]));
        (await host.RunAsync("restore", DumpHost.Service, "--globals")).Must(1).MustSay("no users and roles");
    }

    [Fact]
    public async Task The_whole_of_a_replica_set_is_of_one_moment_and_goes_into_an_empty_server()
    {
        var server = await MadeAsync("--replica-set");
        DumpedCluster.WritePassword(_directory["uri"], $"mongodb://{MongodbDouble.User}:{MongodbDouble.Password}@127.0.0.1:{MongodbDouble.Port}/?replicaSet=rs0");
        var keys = $"""
            kind: mongodb
            uri: file:{_directory["uri"]}
            oplog: true
            bin-directory: {server.Tools}
            """;
        using var host = await DumpHost.CreateAsync(keys);
        await host.BackupAsync();
        (await host.RunAsync("restore", DumpHost.Service, "--globals")).Must(7).MustSay("give it an empty one");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "stock", "--into", "look")).Must().MustSay("the oplog of the backup was not replayed");

        var empty = await MongodbDouble.MakeAsync(_directory["empty"], "--replica-set");
        host.Configure(keys.Replace(server.Tools, empty.Tools, StringComparison.Ordinal));
        (await host.RunAsync("restore", DumpHost.Service, "--globals")).Must();
        Assert.Contains(empty.Calls, call => call.Contains("--oplogReplay", StringComparison.Ordinal));
        Assert.Equal((250, 3), ((await empty.ShowAsync())["shop.orders"], (await empty.ShowAsync())["stock.items"]));
        Assert.All(server.Calls.Concat(empty.Calls), call => Assert.DoesNotContain("s3cret", call, StringComparison.Ordinal));

        var single = await MongodbDouble.MakeAsync(_directory["single"]);
        host.Configure(keys.Replace(server.Tools, single.Tools, StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("error finding oplog", "leave it out for a single server");
    }

    [Fact]
    public async Task What_is_wrong_from_the_beginning_is_said_with_the_next_step()
    {
        var server = await MadeAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"]));
        DumpedCluster.WritePassword(host.Directory["other"], "hunter2");
        host.Configure(server.Service(host.Directory["other"]));
        var refused = (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("AuthenticationFailed", "check user, password and authentication-database");
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        host.Configure(server.Service(_directory["password"]).Replace("port: 27999", "port: 1", StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("connection refused", "is the server running there");
        host.Configure(server.Service(_directory["password"], "databases: [shpo]"));
        (await host.RunAsync("backup", DumpHost.Service)).Must(1).MustSay("there is no database \"shpo\"");
        host.Configure(server.Service(_directory["password"], "databases: [admin]"));
        (await host.RunAsync("backup", DumpHost.Service)).Must(1).MustSay("database admin is the server's own");
        host.Configure(server.Service(_directory["password"]).Replace(server.Tools, host.Directory.New("nothing"), StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("no mongodump found", "install mongodb-database-tools");
        host.Configure(server.Service(_directory["password"], "databases: [shop]\noplog: true"));
        (await host.RunAsync("backup", DumpHost.Service)).Must(3).MustSay("\"services.shop.oplog\" is for dumps of everything");
        host.RequireNothingLeft();
    }

    [Theory]
    [InlineData("truncate", "not whole: it ends in the middle of a block")]
    [InlineData("missing", "not whole: collection admin.system.version has no end")]
    [InlineData("checksum", "not whole: the checksum of collection admin.system.version is wrong")]
    [InlineData("garbage", "wrote no archive: it does not begin as an archive of mongodump")]
    [InlineData("gone", "mongodump failed with code 1 while it wrote all.archive; no backup was made", "unexpectedly closed", "the server went away")]
    [InlineData("killed", "mongodump failed (killed by signal 9) while it wrote all.archive; no backup was made")]
    public async Task A_dump_that_fails_leaves_nothing(string fault, params string[] said)
    {
        var server = await MadeAsync();
        server.Fault = fault;
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"]));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay(said);
        host.RequireNothingLeft();
        server.Fault = "";
        await host.BackupAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tool_that_hangs_ends_with_pitr_and_no_secret_stays_on_disk(bool kill)
    {
        var server = await MadeAsync();
        server.Fault = "hang";
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"]));
        using var backup = host.Host.Start("backup", DumpHost.Service);
        // Version, help, the question what there is, and the dump itself.
        await Eventually.IsTrueAsync(() => backup.HasExited || server.Calls.Count == 4, () => "the dump has begun");
        Assert.False(backup.HasExited);
        if (kill)
        {
            await backup.KillAsync();
        }
        else
        {
            await backup.TerminateAsync();
            (await backup.EndAsync(Patience)).Must(130);
            Assert.Empty(Processes.Find("mongodump", server.Tools));
        }

        foreach (var file in Directory.GetFiles(host.Host.StateDirectory, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("s3cret", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        }

        foreach (var left in Processes.Find("mongodump", server.Tools))
        {
            Processes.Kill(left);
        }

        host.RequireNothingLeft();
    }

    [Theory]
    [InlineData("refuse", "mongorestore failed with code 1, and what it had restored into look stays there", "not authorized")]
    [InlineData("lossy", "mongorestore failed with code 0", "1 document(s) failed to restore")]
    public async Task A_restore_that_fails_says_what_stays(string fault, params string[] said)
    {
        var server = await MadeAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"]));
        await host.BackupAsync();
        server.Fault = fault;
        (await host.RunAsync("restore", DumpHost.Service, "--database", "shop", "--into", "look")).Must(10).MustSay(said);
    }

    [Fact]
    public async Task A_newer_dump_does_not_go_into_an_older_server()
    {
        var server = await MadeAsync("--version", "8.0.4");
        using var host = await DumpHost.CreateAsync(server.Service(_directory["password"]));
        await host.BackupAsync();
        var older = await MongodbDouble.MakeAsync(_directory["older"], "--version", "7.0.14");
        host.Configure(older.Service(_directory["password"]));
        (await host.RunAsync("restore", DumpHost.Service)).Must(8).MustSay("is of MongoDB 8.0.4", "has 7.0.14, which is older; nothing was changed");
    }

    async Task<MongodbDouble> MadeAsync(params string[] options)
    {
        DumpedCluster.WritePassword(_directory["password"], MongodbDouble.Password);
        var server = await MongodbDouble.MakeAsync(_directory["tools"], options);
        await server.LoadAsync("shop", "orders", 1, 250);
        await server.LoadAsync("shop", "empty", 1, 0);
        await server.LoadAsync("stock", "items", 1, 3);
        return server;
    }
}
