using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A service of kind qdrant, against a double of the server. scripts/real-services runs the like against the real one.</summary>
public sealed class QdrantTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly TestDirectory _directory = new();

    public QdrantTests() => DumpedCluster.WritePassword(_directory["key"], QdrantDouble.ApiKey);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_collection_comes_back_under_another_name_and_no_snapshot_stays_on_the_server()
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        var backup = (await host.RunAsync("--output", "json", "backup", DumpHost.Service)).Must();
        Assert.Equal(("Qdrant", "1.13.4"), (backup.Json.GetProperty("product").GetString(), backup.Json.GetProperty("server-version").GetString()));
        var streams = backup.Json.GetProperty("streams").EnumerateArray().ToArray();
        Assert.Equal(["movies", "small one"], streams.Select(s => s.GetProperty("database").GetString()));
        Assert.Equal(20_000, streams[0].GetProperty("counts").Counted("movies"));
        Assert.Equal(0, backup.Json.GetProperty("messages").GetArrayLength());
        Assert.Empty(await server.SnapshotsAsync());

        (await host.RunAsync("restore", DumpHost.Service)).Must(7).MustSay("collection movies is there already", "--into NAME");
        (await host.RunAsync("restore", DumpHost.Service, "--drop")).Must(1).MustSay("--drop is for services of kind mongodb");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "movies", "--globals")).Must(1).MustSay("not for services of kind qdrant");
        Assert.Contains("into look, which is made", (await host.RunAsync("restore", DumpHost.Service, "--database", "movies", "--into", "look", "--dry-run")).Must().Output, StringComparison.Ordinal);
        Assert.DoesNotContain("look", (await server.PointsAsync()).Keys);
        (await host.RunAsync("restore", DumpHost.Service, "--database", "movies", "--into", "look")).Must();
        Assert.Equal(20_000, (await server.PointsAsync())["look"]);

        using var other = await QdrantDouble.StartAsync("--version", "1.13.6");
        host.Configure(other.Service(_directory["key"]));
        (await host.RunAsync("restore", DumpHost.Service)).Must();
        Assert.Equal((20_000, 3), ((await other.PointsAsync())["movies"], (await other.PointsAsync())["small one"]));
        Assert.DoesNotContain(QdrantDouble.ApiKey, backup.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_from_the_beginning_is_said_with_the_next_step()
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        DumpedCluster.WritePassword(host.Directory["other"], "hunter2");
        host.Configure(server.Service(host.Directory["other"]));
        var refused = (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("HTTP 401: Invalid API key", "check api-key of the service");
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        host.Configure($"kind: qdrant\nurl: {server.Url}");
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("HTTP 401: Must provide an API key", "the server wants a key");
        host.Configure(server.Service(_directory["key"], "collections: [moveis]"));
        (await host.RunAsync("backup", DumpHost.Service)).Must(1).MustSay("there is no collection \"moveis\"", "it has movies, small one");
        host.Configure("kind: qdrant\nurl: http://127.0.0.1:1");
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("cannot be reached: Connection refused", "is the server running there");
        host.Configure(server.Service(_directory["key"]).Replace("http:", "https:", StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("is not trusted", "url is http://");
        using var old = await QdrantDouble.StartAsync("--version", "1.3.2");
        host.Configure(old.Service(_directory["key"]));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("has version 1.3.2, which is too old", "1.4 or later");
        using var cluster = await QdrantDouble.StartAsync("--peers", "3");
        host.Configure(cluster.Service(_directory["key"]));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("is one of 3 servers of a cluster");
        host.RequireNothingLeft();
    }

    [Theory]
    [InlineData("refuse", "HTTP 500: Service internal error: No space left on device", "the server's log says why")]
    [InlineData("readonly", "HTTP 403: Forbidden", "may do everything, not only read")]
    [InlineData("truncate", "went away while it sent snapshot movies-")]
    [InlineData("checksum", "the server says", "nothing was made of it")]
    [InlineData("hang", "did not answer within 00:00:02", "timeout of the service")]
    [InlineData("hang-make", "did not answer within 00:00:02", "a snapshot of collection movies")]
    [InlineData("drop", "did not answer when it was asked for a snapshot of collection movies")]
    public async Task A_dump_that_fails_leaves_nothing(string fault, params string[] said)
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"], "timeout: 2s"));
        await server.FailAsync(fault);
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay(said);
        host.RequireNothingLeft();
        await server.FailAsync("");
        var next = (await host.RunAsync("--output", "json", "backup", DumpHost.Service)).Must().Json.GetProperty("messages").EnumerateArray().Select(m => m.GetString()!).ToArray();
        if (fault == "hang-make")
        {
            // Nobody knows whose it is: named, not removed.
            Assert.Contains(next, m => m.Contains("may have left one of these snapshots of collection movies", StringComparison.Ordinal));
        }
        else
        {
            Assert.Empty(next);
            Assert.Empty(await server.SnapshotsAsync());
        }
    }

    [Fact]
    public async Task What_a_killed_run_left_on_the_server_is_removed_by_the_next()
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        await server.FailAsync("hang");
        using (var backup = host.Host.Start("backup", DumpHost.Service))
        {
            await Eventually.IsTrueAsync(
                () => File.Exists(Trace(host)) && File.ReadAllText(Trace(host)).Contains(".snapshot\"", StringComparison.Ordinal), () => "the name of the snapshot is known");
            await backup.KillAsync();
        }

        var left = Assert.Single(await server.SnapshotsAsync());
        await server.FailAsync("");
        var next = (await host.RunAsync("--output", "json", "backup", DumpHost.Service)).Must();
        Assert.Contains($"snapshot {left} of collection movies, which a run that was killed left on the server, has been removed", next.Json.GetProperty("messages")[0].GetString(), StringComparison.Ordinal);
        Assert.Empty(await server.SnapshotsAsync());
        Assert.False(File.Exists(Trace(host)));
    }

    [Fact]
    public async Task A_server_that_dies_meanwhile_leaves_no_backup()
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        await server.FailAsync("hang");
        using var backup = host.Host.Start("backup", DumpHost.Service);
        await Eventually.IsTrueAsync(
            () => File.Exists(Trace(host)) && File.ReadAllText(Trace(host)).Contains(".snapshot\"", StringComparison.Ordinal), () => "the name of the snapshot is known");
        server.Kill();
        (await backup.EndAsync(Patience)).Must(10).MustSay("Qdrant at http://127.0.0.1:");
        host.RequireNothingLeft();
        // What it may have left on the server is not forgotten.
        Assert.True(File.Exists(Trace(host)));
    }

    [Fact]
    public async Task A_run_that_is_ended_removes_its_snapshot_and_one_that_cannot_says_so()
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        await server.FailAsync("hang");
        using (var backup = host.Host.Start("backup", DumpHost.Service))
        {
            await Eventually.IsTrueAsync(
                () => File.Exists(Trace(host)) && File.ReadAllText(Trace(host)).Contains(".snapshot\"", StringComparison.Ordinal), () => "the name of the snapshot is known");
            await backup.TerminateAsync();
            (await backup.EndAsync(Patience)).Must(130);
        }

        Assert.Empty(await server.SnapshotsAsync());
        host.RequireNothingLeft();
        await server.FailAsync("keep");
        (await host.RunAsync("backup", DumpHost.Service)).Must().MustSay("stays on the server until the next backup");
        Assert.NotEmpty(await server.SnapshotsAsync());
        await server.FailAsync("unchecked");
        (await host.RunAsync("backup", DumpHost.Service)).Must().MustSay("has been removed", "the server gives no checksum");
    }

    [Fact]
    public async Task A_restore_that_fails_removes_what_it_made()
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        await host.BackupAsync();
        await server.FailAsync("upload");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "movies", "--into", "look")).Must(10).MustSay("HTTP 500", "No space left", "what it had made is gone again");
        Assert.DoesNotContain("look", (await server.PointsAsync()).Keys);
        await server.FailAsync("readonly");
        (await host.RunAsync("restore", DumpHost.Service, "--database", "movies", "--into", "look")).Must(10).MustSay("HTTP 403");
    }

    [Theory]
    [InlineData("1.13.3", "has 1.13.3; nothing was changed")]
    [InlineData("1.14.0", "has 1.14.0; nothing was changed")]
    [InlineData("1.12.9", "has 1.12.9; nothing was changed")]
    public async Task A_snapshot_goes_into_the_same_minor_version_only(string version, string said)
    {
        using var server = await LoadedAsync();
        using var host = await DumpHost.CreateAsync(server.Service(_directory["key"]));
        await host.BackupAsync();
        using var other = await QdrantDouble.StartAsync("--version", version);
        host.Configure(other.Service(_directory["key"]));
        (await host.RunAsync("restore", DumpHost.Service)).Must(8).MustSay("is of Qdrant 1.13.4", said, "a later 1.13");
    }

    static string Trace(DumpHost host) => Path.Combine(host.Host.StateDirectory, "services", DumpHost.Service, "qdrant-snapshot.json");

    static async Task<QdrantDouble> LoadedAsync()
    {
        var server = await QdrantDouble.StartAsync();
        try
        {
            await server.LoadAsync("movies", 20_000);
            await server.LoadAsync("small%20one", 3);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }
}
