using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>`pitr restore --in-place` of a service of kind redis: a real server that is stopped and started by commands.</summary>
public sealed class RedisInPlaceTests : IDisposable
{
    readonly TestDirectory _directory = new();

    string Data => _directory["data"];

    string Socket => _directory["redis.sock"];

    string ServerConfiguration => _directory["redis.conf"];

    public void Dispose()
    {
        foreach (var process in Processes.Find("redis-server", Socket))
        {
            Processes.Kill(process);
        }

        _directory.Dispose();
    }

    [Theory]
    [InlineData("appendonly no\nsave 3600 1", "dump.rdb")]
    [InlineData("appendonly yes\nsave \"\"", "appendonlydir")]
    [InlineData("appendonly yes\nsave 3600 1\ndbfilename \"other.rdb\"\nappenddirname \"my log\"\nappendfilename \"the log.aof\"", "my log")]
    public async Task The_server_has_the_data_of_the_dump_and_the_old_data_can_be_had_again(string configuration, string place)
    {
        await StartAsync(configuration);
        (await RedisAsync("EVAL", "for i = 1, 5000 do redis.call('SET', 'key:' .. i, redis.sha1hex(i)) end", "0")).Must();
        (await RedisAsync("-n", "2", "SET", "soon", "gone", "EX", "3600")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        var digest = (await RedisAsync("DEBUG", "DIGEST")).Output;
        (await RedisAsync("FLUSHALL")).Must();
        (await RedisAsync("SET", "mistake", "1")).Must();

        var plan = (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--dry-run", "-o", "json")).Must().Json;
        Assert.Equal((Path.Combine(Data, place), configuration.Contains("yes", StringComparison.Ordinal)), (plan.GetProperty("place").GetString(), plan.GetProperty("append-only").GetBoolean()));
        Assert.Equal("1", (await RedisAsync("DBSIZE")).Output.Trim());
        Assert.Contains("put the file to", (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--dry-run")).Must().Output, StringComparison.Ordinal);

        var done = (await host.RunAsync("restore", DumpHost.Service, "--in-place", "-o", "json")).Must().Json;
        Assert.Equal(5001, done.GetProperty("keys").GetInt64());
        Assert.Equal(digest, (await RedisAsync("DEBUG", "DIGEST")).Output);
        Assert.All(done.GetProperty("kept").EnumerateArray(), kept => Assert.True(Path.Exists(kept.GetString())));

        // It goes on from there: what is written now is there after the next start.
        (await RedisAsync("SET", "later", "1")).Must();
        await ShellAsync(Stop);
        await ShellAsync(Start);
        await AwaitAsync();
        Assert.Equal("1", (await RedisAsync("GET", "later")).Output.Trim());
        Assert.Equal("5001", (await RedisAsync("DBSIZE")).Output.Trim());

        (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--roll-back")).Must();
        Assert.Equal("1", (await RedisAsync("GET", "mistake")).Output.Trim());
        Assert.Equal("1", (await RedisAsync("DBSIZE")).Output.Trim());
        (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--roll-back")).Must(8).MustSay("nothing to roll back");
        (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--remove-old")).Must();
        Assert.Equal(digest, (await RedisAsync("DEBUG", "DIGEST")).Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Data, $"*.before-{done.GetProperty("in-place").GetString()}"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Data, ".pitr*"));
    }

    [Fact]
    public async Task A_server_that_does_not_run_gets_the_data_as_well()
    {
        await StartAsync("appendonly yes\nsave \"\"");
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        await ShellAsync(Stop);
        // As after a crash: nothing loads this.
        await File.WriteAllTextAsync(Path.Combine(Data, "appendonlydir", "appendonly.aof.manifest"), "nonsense\n");
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(1).MustSay("where the data of service shop is", "set services.shop.data-directory");
        host.Configure(Keys() + $"\ndata-directory: {Data}");
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must();
        Assert.Equal("hello", (await RedisAsync("GET", "greeting")).Output.Trim());
    }

    [Fact]
    public async Task What_fails_on_the_way_puts_the_old_data_back()
    {
        await StartAsync("appendonly yes\nsave \"\"");
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        (await RedisAsync("SET", "greeting", "changed")).Must();

        // The new data, and only that, is damaged while the server is down.
        var flag = _directory["flag"];
        var spoil = $"if [ ! -e {flag} ]; then touch {flag}; sed -i s/hello/hallo/ {Data}/appendonlydir/*.base.rdb; fi; {Start}";
        host.Configure(Keys(start: spoil));
        var failed = (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(10).MustSay("was not started", "rolled back: the old data is in", "its server runs");
        Assert.Equal("changed", (await RedisAsync("GET", "greeting")).Output.Trim());
        Assert.Single(Directory.EnumerateDirectories(Data, "appendonlydir.failed-*"));

        // A server that cannot be stopped.
        host.Configure(Keys(stop: "exit 3"));
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(10).MustSay("was not stopped", "ended with 3", "nothing of", "was changed");
        Assert.Equal("changed", (await RedisAsync("GET", "greeting")).Output.Trim());

        // A server that starts without what was put there.
        File.Delete(flag);
        var empty = $"if [ ! -e {flag} ]; then touch {flag}; rm -r {Data}/appendonlydir; fi; {Start}";
        host.Configure(Keys(start: empty));
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(10).MustSay("rolled back: the old data is in");
        Assert.Equal("changed", (await RedisAsync("GET", "greeting")).Output.Trim());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Data, ".pitr*"));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Data), path => path.Contains(".before-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Killed_on_the_way_it_is_put_back_by_the_next_command()
    {
        await StartAsync("appendonly no\nsave 3600 1");
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        (await RedisAsync("SET", "greeting", "changed")).Must();
        host.Configure(Keys(start: $"while [ ! -e {_directory["never"]} ]; do sleep 0.1; done; {Start}") + $"\ndata-directory: {Data}");
        using (var killed = host.Host.Start("restore", DumpHost.Service, "--in-place"))
        {
            await Eventually.IsTrueAsync(() => killed.HasExited || Processes.Find("while", _directory["never"]).Count > 0, () => "the server is about to be started");
            await killed.KillAsync();
        }

        // It has a session of its own, and would start the server at last.
        foreach (var waiting in Processes.Find("while", _directory["never"]))
        {
            Processes.Kill(waiting);
        }

        host.Configure(Keys() + $"\ndata-directory: {Data}");
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(8).MustSay("was interrupted", "--roll-back");
        (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--roll-back")).Must();
        Assert.Equal("changed", (await RedisAsync("GET", "greeting")).Output.Trim());
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must();
        Assert.Equal("hello", (await RedisAsync("GET", "greeting")).Output.Trim());
    }

    [Fact]
    public async Task In_a_group_it_goes_back_with_the_others_and_stays_when_it_is_confirmed()
    {
        await StartAsync("appendonly yes\nsave \"\"");
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        (await RedisAsync("SET", "greeting", "changed")).Must();

        // The applications do not come up again: everything goes back.
        host.Configure(Keys() + "\napplications: { health-check: [/bin/false], timeout: 2s }");
        Assert.NotEqual(0, (await host.RunAsync("restore", "--all", "latest")).MustSay("health").ExitCode);
        Assert.Equal("changed", (await RedisAsync("GET", "greeting")).Output.Trim());

        host.Configure(Keys());
        (await host.RunAsync("restore", "--all", "latest")).Must();
        Assert.Equal("hello", (await RedisAsync("GET", "greeting")).Output.Trim());
        (await host.RunAsync("restore", "--all", "--roll-back")).Must();
        Assert.Equal("changed", (await RedisAsync("GET", "greeting")).Output.Trim());
        (await host.RunAsync("restore", "--all", "latest")).Must();
        (await host.RunAsync("restore", "--all", "--confirm")).Must();
        Assert.Equal("hello", (await RedisAsync("GET", "greeting")).Output.Trim());
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Data), path => path.Contains(".before-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_before_anything_is_touched()
    {
        await StartAsync("appendonly no");
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync($"kind: redis\nsocket: {Socket}");
        await host.BackupAsync();
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(1).MustSay("how the server of service shop is stopped and started", "server.stop-command");
        host.Configure(Keys() + $"\ndata-directory: {_directory.New("elsewhere")}");
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(8).MustSay($"has its data in {Data}");
        host.Configure(Keys());
        (await host.RunAsync("restore", DumpHost.Service, "--in-place", "--to", Data)).Must(1).MustSay("exclude each other");
        (await RedisAsync("REPLICAOF", "127.0.0.1", "1")).Must();
        (await host.RunAsync("restore", DumpHost.Service, "--in-place")).Must(8).MustSay("is a replica");
    }

    // As a service manager would: the process is told to end, and the command does not wait for it.
    string Stop => $"[ ! -e {_directory["pid"]} ] || kill $(cat {_directory["pid"]})";

    string Start => $"/usr/bin/redis-server {ServerConfiguration}";

    async Task StartAsync(string configuration)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(
            ServerConfiguration,
            $"port 0\nunixsocket {Socket}\ndir {Data}\npidfile {_directory["pid"]}\nlogfile {_directory["redis.log"]}\ndaemonize yes\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n{configuration}\n");
        await ShellAsync(Start);
        await AwaitAsync();
    }

    Task AwaitAsync() => Eventually.IsTrueAsync(async () => (await RedisAsync("PING")).Output.Trim() == "PONG", () => "the server answers");

    async Task ShellAsync(string command)
    {
        (await ProgramRun.RunAsync("/bin/sh", ["-c", command])).Must();
        if (command == Stop)
        {
            await Eventually.IsTrueAsync(() => Processes.Find("redis-server", Socket).Count == 0, () => "the server is down");
        }
    }

    string Keys(string? stop = null, string? start = null) => $"""
        kind: redis
        socket: {Socket}
        server:
          stop-command: "{stop ?? Stop}"
          start-command: "{start ?? Start}"
          timeout: 10s
        """;

    Task<ProgramRun> RedisAsync(params string[] command) => ProgramRun.RunAsync("/usr/bin/redis-cli", ["-s", Socket, .. command]);
}
