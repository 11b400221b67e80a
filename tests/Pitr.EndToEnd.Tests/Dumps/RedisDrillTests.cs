using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>`pitr drill` of a service of kind redis, with real Redis servers.</summary>
[Collection("the Redis server")]
public sealed class RedisDrillTests : IAsyncLifetime
{
    readonly TestDirectory _directory = new();
    StorageServer? _server;

    StorageServer Server => _server!;

    public async Task InitializeAsync()
    {
        _server = await StorageServer.StartAsync("redis", "REDIS_");
        DumpedCluster.WritePassword(_directory["password"], Server["REDIS_PASSWORD"]);
        (await RedisAsync("FLUSHALL")).Must();
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
    public async Task A_dump_is_loaded_by_a_server_of_its_own_and_checked()
    {
        (await RedisAsync("EVAL", "for i = 1, 20000 do redis.call('SET', 'key:' .. i, redis.sha1hex(i)) end", "0")).Must();
        (await RedisAsync("SET", "greeting", "grüß \"Gott\"")).Must();
        (await RedisAsync("SET", "soon", "gone", "PX", "1500")).Must();
        (await RedisAsync("-n", "3", "RPUSH", "list", "a", "b c", "d")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        await host.BackupAsync();
        // What has expired since the dump is no loss.
        await Eventually.IsTrueAsync(async () => (await RedisAsync("EXISTS", "soon")).Output.Trim() == "0", () => "the key has expired");
        var before = (await RedisAsync("DEBUG", "DIGEST")).Output;
        var drill = new DumpDrill(host);
        var report = (await drill.RunAsync(0)).Json;

        Assert.Equal(["plan", "make", "restore", "start", "check"], DumpDrill.Names(report.GetProperty("phases")));
        Assert.StartsWith("Redis 7.", DumpDrill.Detail(report, "server answers"), StringComparison.Ordinal);
        Assert.Equal("keys in db0: 20001, keys in db3: 1; as when it was dumped", DumpDrill.Detail(report, "contents of dump.rdb"));
        Assert.All(report.GetProperty("checks").EnumerateArray(), check => Assert.True(check.GetProperty("passed").GetBoolean(), check.ToString()));
        Assert.Equal("redis", report.GetProperty("kind").GetString());
        Assert.Equal(before, (await RedisAsync("DEBUG", "DIGEST")).Output);
        await drill.KillAndClearAsync("redis-server", "with its Redis, process ");
        await drill.InterruptAsync("redis-server");
    }

    [Fact]
    public async Task What_is_missing_or_wrong_fails_the_drill_and_an_older_server_is_refused()
    {
        (await RedisAsync("SET", "greeting", "hello")).Must();
        (await RedisAsync("SET", "other", "1")).Must();
        var service = Keys("""

                  wrong: { command: GET greeting, expect: hallo }
                  missing: { command: GET nothing, expect: "1" }
                  nonsense: { command: NONSENSE, expect: "1" }
                  quotes: { command: 'GET "greeting', expect: "1" }
                  other: { command: GET other, expect: "1" }
            """);
        using var host = await DumpHost.CreateAsync(service);
        // A double of redis-cli that loses a key for the dump.
        var programs = host.Directory.New("programs");
        DumpDrill.WriteDouble(Path.Combine(programs, "redis-cli"), """
            case "$*" in *--rdb*)
              /usr/bin/redis-cli -h $2 -p $4 --no-auth-warning DEL other >/dev/null
              /usr/bin/redis-cli "$@" || exit
              exec /usr/bin/redis-cli -h $2 -p $4 --no-auth-warning SET other 1 >/dev/null ;;
            esac
            exec /usr/bin/redis-cli "$@"

            """);
        host.Configure(service + $"\nbin-directory: {programs}");
        await host.BackupAsync();
        host.Configure(service);
        var drill = new DumpDrill(host);
        var report = (await drill.RunAsync(9)).Json;
        Assert.Equal("keys in db0: 1, but the server had 2", DumpDrill.Detail(report, "contents of dump.rdb"));
        Assert.Equal("hello, but expected is hallo", DumpDrill.Detail(report, "command wrong"));
        Assert.Equal("NULL, but expected is 1", DumpDrill.Detail(report, "command missing"));
        Assert.Contains("unknown command", DumpDrill.Detail(report, "command nonsense"), StringComparison.Ordinal);
        Assert.Contains("quotes", DumpDrill.Detail(report, "command quotes"), StringComparison.Ordinal);
        Assert.Equal(5 + 1, DumpDrill.Failures(report).Length);

        // A double that says it is an older server.
        DumpDrill.WriteDouble(Path.Combine(programs, "redis-server"), "echo 'Redis server v=6.2.7 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=1'\n");
        host.Configure(service + $"\nbin-directory: {programs}");
        Assert.Contains("has 6.2.7, which is older", Assert.Single(DumpDrill.Failures((await drill.RunAsync(9)).Json)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_cannot_load_the_file_says_why()
    {
        (await RedisAsync("SET", "greeting", "hello")).Must();
        using var host = await DumpHost.CreateAsync(Keys());
        // A double of redis-cli whose file has a wrong checksum.
        var programs = host.Directory.New("programs");
        DumpDrill.WriteDouble(Path.Combine(programs, "redis-cli"), """
            case "$*" in *--rdb*) /usr/bin/redis-cli "$@" | sed 's/hello/hallo/'; exit ;; esac
            exec /usr/bin/redis-cli "$@"

            """);
        host.Configure(Keys() + $"\nbin-directory: {programs}");
        await host.BackupAsync();
        host.Configure(Keys());
        var failure = Assert.Single(DumpDrill.Failures((await new DumpDrill(host).RunAsync(9)).Json));
        Assert.Contains("redis-server exited with code 1", failure, StringComparison.Ordinal);
        Assert.Contains("checksum", failure, StringComparison.OrdinalIgnoreCase);
    }

    string Keys(string? checks = null) => $$"""
        kind: redis
        host: {{Server["REDIS_HOST"]}}
        port: {{Server["REDIS_PORT"]}}
        password: file:{{_directory["password"]}}
        objectives: { rpo: 1d, rto: 1h }
        drill:
          checks:{{checks ?? """

                greeting: { command: GET greeting, expect: 'grüß "Gott"' }
                keys: { command: DBSIZE, expect: ">= 20001" }
                list: { database: "3", command: 'LRANGE list 0 -1', expect: rows = 3 }
                nothing: { command: GET nothing, expect: is null }
                none: { command: LRANGE nothing 0 -1, expect: rows = 0 }
                slow: { command: BLPOP nothing 1, expect: is null }
            """}}
        """;

    Task<ProgramRun> RedisAsync(params string[] command) => ProgramRun.RunAsync(
        "/usr/bin/redis-cli", ["-h", Server["REDIS_HOST"], "-p", Server["REDIS_PORT"], "--no-auth-warning", .. command], new Dictionary<string, string> { ["REDISCLI_AUTH"] = Server["REDIS_PASSWORD"] });
}
