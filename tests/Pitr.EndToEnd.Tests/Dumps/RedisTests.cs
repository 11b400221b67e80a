using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A service of kind redis, with a real Redis: dumped, brought back into a new directory, and loaded by another server.</summary>
[Collection("the Redis server")]
public sealed class RedisTests : IAsyncLifetime
{
    readonly TestDirectory _directory = new();
    StorageServer? _server;

    StorageServer Server => _server!;

    public async Task InitializeAsync()
    {
        _server = await StorageServer.StartAsync("redis", "REDIS_");
        DumpedCluster.WritePassword(_directory["password"], Server["REDIS_PASSWORD"]);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _directory.Dispose();
    }

    [Fact]
    public async Task The_file_that_comes_back_is_loaded_by_another_server()
    {
        (await RedisAsync("FLUSHALL")).Must();
        (await RedisAsync("SET", "greeting", "grüß \"Gott\"")).Must();
        (await RedisAsync("EVAL", "for i = 1, 20000 do redis.call('SET', 'key:' .. i, redis.sha1hex(i)) end", "0")).Must();
        var digest = (await RedisAsync("DEBUG", "DIGEST")).Output;
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        (await RedisAsync("FLUSHALL")).Must();

        var back = host.Directory["back"];
        (await host.RunAsync("restore", DumpHost.Service)).Must(1).MustSay("--to DIR names a new directory");
        (await host.RunAsync("restore", DumpHost.Service, "--to", host.Host.Directory)).Must(7).MustSay("is there and not empty");
        (await host.RunAsync("restore", DumpHost.Service, "--to", back, "--database", "x")).Must(1).MustSay("is one file, of which nothing can be chosen", "leave --database out");
        (await host.RunAsync("restore", DumpHost.Service, "--to", back, "--dry-run")).Must();
        Assert.False(Directory.Exists(back));
        (await host.RunAsync("restore", DumpHost.Service, "--to", back)).Must();
        Assert.Equal(["dump.rdb"], Directory.GetFileSystemEntries(back).Select(Path.GetFileName));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(back, "dump.rdb")));

        var socket = host.Directory["redis.sock"];
        using var other = RunningProgram.Start("/usr/bin/redis-server", ["--port", "0", "--unixsocket", socket, "--dir", back, "--save", "", "--enable-debug-command", "yes"]);
        await Eventually.IsTrueAsync(async () => (await OtherAsync(socket, "PING")).Output.Trim() == "PONG", () => "the other server answers");
        Assert.Equal("20001", (await OtherAsync(socket, "DBSIZE")).Output.Trim());
        Assert.Equal("grüß \"Gott\"", (await OtherAsync(socket, "GET", "greeting")).Output.Trim());
        Assert.Equal(digest, (await OtherAsync(socket, "DEBUG", "DIGEST")).Output);
    }

    [Fact]
    public async Task Dumps_are_checked_verified_pinned_and_expired()
    {
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await DumpLifecycle.RunAsync(host, "redis-cli writes");
        host.Configure(Keys() + $"\nbin-directory: {host.Directory.New("empty")}");
        var missing = (await host.RunAsync("check", DumpHost.Service, "-o", "json")).Must(9).Json.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == "server");
        Assert.Contains("install redis-tools", missing.GetProperty("fix").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_said_with_the_next_step_and_leaves_no_backup()
    {
        using var host = await DumpHost.CreateAsync(Keys());
        DumpedCluster.WritePassword(host.Directory["other"], "hunter2");
        host.Configure(Keys().Replace(_directory["password"], host.Directory["other"], StringComparison.Ordinal));
        var refused = (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("WRONGPASS", "check user and password");
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        host.Configure(Keys().Replace("port: ", "port: 1 # ", StringComparison.Ordinal));
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("Could not connect", "is the server running there");
        host.Configure(Keys() + $"\nbin-directory: {host.Directory.New("empty")}");
        (await host.RunAsync("backup", DumpHost.Service)).Must(10).MustSay("no redis-cli found", "install redis-tools");
        host.RequireNothingLeft();
    }

    [SmallDiskFact]
    public async Task A_directory_that_fills_up_is_left_as_it_was()
    {
        // What no compression makes smaller.
        (await RedisAsync("SET", "large", Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(75_000)))).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        var small = host.Directory.New("small");
        using var disk = SmallDisk.Mount(small, "size=1m");
        disk.Fill(keepFree: 8192);
        host.Host.Through = disk.Enter;
        (await host.RunAsync("restore", DumpHost.Service, "--to", Path.Combine(small, "back"))).Must(1).MustSay("cannot be written", "make room");
        Assert.False(Directory.Exists(disk.Seen(Path.Combine(small, "back"))));
    }

    string Keys() => $"""
        kind: redis
        host: {Server["REDIS_HOST"]}
        port: {Server["REDIS_PORT"]}
        password: file:{_directory["password"]}
        """;

    Task<ProgramRun> RedisAsync(params string[] command) => ProgramRun.RunAsync(
        "/usr/bin/redis-cli", ["-h", Server["REDIS_HOST"], "-p", Server["REDIS_PORT"], "--no-auth-warning", .. command], new Dictionary<string, string> { ["REDISCLI_AUTH"] = Server["REDIS_PASSWORD"] });

    static Task<ProgramRun> OtherAsync(string socket, params string[] command) => ProgramRun.RunAsync("/usr/bin/redis-cli", ["-s", socket, .. command]);
}
