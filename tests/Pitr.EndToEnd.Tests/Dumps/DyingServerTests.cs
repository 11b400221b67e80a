using System.Globalization;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>Real servers that die while they are dumped, and their tools: no backup, nothing left, and an error that names what failed. Each has a server of its own.</summary>
public sealed class DyingServerTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // So slow that the tool waits for the repository most of the time.
    const string Slowly = "400kB/s";

    readonly TestDirectory _directory = new();

    string Socket => _directory["s"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("server", "redis-cli failed")]
    [InlineData("tool", "redis-cli failed (killed by signal 9)")]
    public async Task A_Redis_that_dies_or_whose_tool_does_leaves_no_backup(string victim, string said)
    {
        using var server = RunningProgram.Start(
            "/usr/bin/redis-server", ["--port", "0", "--unixsocket", Socket, "--dir", _directory.New("data"), "--save", "", "--repl-diskless-sync-delay", "0"]);
        await Eventually.IsTrueAsync(async () => (await RedisAsync("PING")).Output.Trim() == "PONG", () => "the server answers");
        // What no compression makes much smaller.
        (await RedisAsync("EVAL", "for i = 1, 8000 do local t = {} for j = 1, 40 do t[j] = redis.sha1hex(i .. ':' .. j) end redis.call('SET', i, table.concat(t)) end", "0")).Must();
        using var host = await DumpHost.CreateAsync($"kind: redis\nsocket: {Socket}", limit: Slowly);
        using var backup = host.Host.Start("backup", DumpHost.Service);
        await host.AwaitPartAsync(backup);
        Assert.False(backup.HasExited);
        if (victim == "server")
        {
            await server.KillAsync();
        }
        else
        {
            Processes.Kill(Assert.Single(Processes.Find("redis-cli", Socket, "--rdb")));
        }

        (await backup.EndAsync(Patience)).Must(10).MustSay(said, "while it wrote dump.rdb; no backup was made");
        host.RequireNothingLeft();
        Assert.Empty(Processes.Find("redis-cli", Socket));
    }

    [Fact]
    public async Task A_MariaDB_that_dies_leaves_no_backup()
    {
        var data = _directory["data"];
        string[] common = ["--no-defaults", $"--datadir={data}"];
        (await ProgramRun.RunAsync("/usr/bin/mariadb-install-db", [.. common, "--skip-test-db", "--auth-root-authentication-method=normal"])).Must();
        using var server = RunningProgram.Start("/usr/sbin/mariadbd", [.. common, $"--socket={Socket}", $"--pid-file={_directory["pid"]}", "--skip-networking", "--skip-log-bin"]);
        await Eventually.IsTrueAsync(async () => server.HasExited || (await SqlAsync("SELECT 1")).ExitCode == 0, () => "the server answers");
        const int rows = 12_000;
        (await SqlAsync(string.Create(CultureInfo.InvariantCulture, $"""
            CREATE DATABASE dying; CREATE TABLE dying.t (id int PRIMARY KEY, picture blob);
            SET max_recursive_iterations = {rows + 1};
            INSERT INTO dying.t WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < {rows}) SELECT seq, RANDOM_BYTES(600) FROM n;
            """))).Must();
        using var host = await DumpHost.CreateAsync($"kind: mysql\nsocket: {Socket}\nuser: root\ndatabases: [dying]", limit: Slowly);
        using var backup = host.Host.Start("backup", DumpHost.Service);
        await host.AwaitPartAsync(backup);
        Assert.False(backup.HasExited);
        await server.KillAsync();

        (await backup.EndAsync(Patience)).Must(10).MustSay("mariadb-dump failed", "while it wrote dying.sql; no backup was made", "Lost connection");
        host.RequireNothingLeft();
        Assert.Empty(Processes.Find("mariadb-dump", Socket));
    }

    Task<ProgramRun> RedisAsync(params string[] command) => ProgramRun.RunAsync("/usr/bin/redis-cli", ["-s", Socket, .. command]);

    Task<ProgramRun> SqlAsync(string sql) => ProgramRun.RunAsync("/usr/bin/mariadb", ["--no-defaults", $"--socket={Socket}", "--user=root", $"--execute={sql}"]);
}
