using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr drill` and `pitr drill report`, on a copy of a real repository and without the live server.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class DrillTests : IDisposable
{
    const int Terminations = 5;

    readonly TestDirectory _directory = new();
    readonly ProtectedService _service;
    readonly ITestOutputHelper _output;
    readonly PitrHost _host;

    public DrillTests(ProtectedService service, ITestOutputHelper output)
    {
        _service = service;
        _output = output;
        _host = service.CopyTo(_directory);
        // What is forgotten in the directory for temporary files is seen there.
        _host.Environment["TMPDIR"] = _directory.New("t");
        // The runtime's own sockets for debuggers would be, too, where it is killed while it starts.
        _host.Environment["DOTNET_EnableDiagnostics"] = "0";
        // The service is shared: its last commit is as old as the tests that have run since.
        _host.Environment["PITR_SERVICES__MAIN__OBJECTIVES__RPO"] = "1d";
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Queries_and_row_counts_are_held_against_what_is_expected_and_the_history_shows_it()
    {
        WriteChecks("""
                  fifteen: { sql: SELECT count(*) FROM canaries, expect: "15" }
                  truth: { sql: SELECT count(*) > 10 FROM canaries, expect: "true" }
                  many: { sql: SELECT count(*) FROM canaries, expect: ">= 15" }
                  no-orphans: { sql: SELECT id FROM canaries WHERE id < 0, expect: rows = 0 }
                  nothing: { sql: SELECT max(id) FROM canaries WHERE id < 0, expect: is null }
                  lines: { sql: "SELECT id,\n note FROM canaries", expect: rows = 15 }
            """);
        var first = (await DrillAsync(0, "--target-time", _service.Then)).Json;
        Assert.All(Sql(first), check => Assert.True(check.GetProperty("passed").GetBoolean(), check.ToString()));
        Assert.Equal(["15", "true", "15", "0 rows", "NULL", "15 rows"], Sql(first).Select(check => check.GetProperty("result").GetString()));
        Assert.Equal((15, JsonValueKind.Null), (Canaries(first).GetProperty("rows").GetInt32(), Canaries(first).GetProperty("before").ValueKind));

        var html = _directory["drill.html"];
        var second = (await DrillAsync(9, "--report", html)).Json;
        Assert.Equal(["20, but expected is 15", "true, as expected (true)", "20, as expected (>= 15)", "0 rows, as expected (rows = 0)", "NULL, as expected (is null)", "20 rows, but expected is rows = 15"], Sql(second).Select(Detail));
        Assert.Equal(["sql fifteen: 20, but expected is 15", "sql lines: 20 rows, but expected is rows = 15"], second.GetProperty("failures").EnumerateArray().Select(f => f.GetString()));
        Assert.Equal((20, 15), (Canaries(second).GetProperty("rows").GetInt32(), Canaries(second).GetProperty("before").GetInt32()));
        Assert.Equal(Id(first), second.GetProperty("row-counts").GetProperty("compared-with").GetString());
        Assert.Equal(["pg_amcheck", "page checksums"], Checks(second).TakeLast(2).Select(Name));
        Assert.Contains("SELECT count(*) &gt; 10 FROM canaries", await File.ReadAllTextAsync(html), StringComparison.Ordinal);

        await RequireHistoryAsync(first, second);
    }

    async Task RequireHistoryAsync(JsonElement first, JsonElement second)
    {
        // Another person, another day: no identity, and one report that was damaged.
        File.Delete(_host.IdentityFile);
        var list = (await _host.RunAsync("drill", "report", "main", "--output", "json")).Must().Json;
        Assert.Equal([Id(second), Id(first)], list.GetProperty("drills").EnumerateArray().Select(d => d.GetProperty("id").GetString()));
        Assert.Equal(["failed", "passed"], list.GetProperty("drills").EnumerateArray().Select(d => d.GetProperty("verdict").GetString()));
        Assert.Single((await _host.RunAsync("drill", "main", "report", "--last", "1", "--output", "json")).Must().Json.GetProperty("drills").EnumerateArray());
        Assert.True(JsonElement.DeepEquals(first, (await _host.RunAsync("drill", "report", "main", Id(first), "--output", "json")).Must().Json));
        Assert.True(JsonElement.DeepEquals(second, (await _host.RunAsync("drill", "report", "main", "latest", "--output", "json")).Must().Json));
        Assert.Contains("PASSED", (await _host.RunAsync("drill", "report", "main", Id(first))).Must().Output, StringComparison.Ordinal);

        var page = _directory["page.html"];
        (await _host.RunAsync("drill", "report", "main", Id(first), "--html", page)).Must();
        Assert.Contains("of 2 drills from", await File.ReadAllTextAsync(page), StringComparison.Ordinal);
        (await _host.RunAsync("drill", "report", "main", "--html", _directory["nowhere/page.html"])).Must(1).MustSay("nowhere", "HINT:");
        (await _host.RunAsync("drill", "report", "main", "20200101T000000Z")).Must(1).MustSay("has no drill 20200101T000000Z", "HINT:");

        await File.WriteAllTextAsync(_host.PathOf($"services/main/drills/{Id(first)}.json"), "{");
        var damaged = (await _host.RunAsync("drill", "report", "main")).Must(5);
        Assert.Contains($"services/main/drills/{Id(first)}.json cannot be read", damaged.Output.ReplaceLineEndings(""), StringComparison.Ordinal);
        Assert.Contains(Id(second), damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_that_fails_or_kills_the_server_is_a_result_and_the_others_go_on()
    {
        WriteChecks("""
                  wrong: { sql: SELECT nonsense, expect: "1" }
                  elsewhere: { database: missing, sql: SELECT 1, expect: "1" }
                  two-rows: { sql: "SELECT generate_series(1, 2)", expect: "1" }
                  two-columns: { sql: "SELECT 1, 2", expect: "1" }
                  two-queries: { sql: SELECT 1; SELECT 2, expect: "1" }
                  no-query: { sql: CREATE TABLE scratch (), expect: "1" }
                  no-number: { sql: "SELECT 'many'", expect: "> 5" }
                  backend-dies: { sql: "COPY (SELECT 1) TO PROGRAM 'kill -KILL $PPID'", expect: "1" }
                  until-that-is-noticed: { sql: SELECT pg_sleep(3), expect: "1" }
                  goes-on: { sql: SELECT count(*) FROM canaries, expect: "20" }
                  server-dies: { sql: "COPY (SELECT 1) TO PROGRAM 'kill -KILL $(head -n 1 postmaster.pid)'", expect: "1" }
                  too-late: { sql: SELECT 1, expect: "1" }
            """, "check-timeout: 60s");
        var report = (await DrillAsync(9)).Json;

        var checks = Sql(report);
        Assert.Equal("sql goes-on", Assert.Single(checks, check => check.GetProperty("passed").GetBoolean()).GetProperty("name").GetString());
        string[] reasons =
        [
            "\"nonsense\" does not exist", "\"missing\" does not exist", "2 rows of 1 columns", "1 rows of 2 columns", "several queries", "gives no rows", "\"many\" is no number",
            "", "", "20, as expected", "", "exited",
        ];
        Assert.Equal(reasons.Length, checks.Length);
        Assert.All(checks.Zip(reasons), pair => Assert.Contains(pair.Second, Detail(pair.First), StringComparison.Ordinal));
        Assert.Equal(["server answers", "tables of postgres"], Checks(report).Where(c => c.GetProperty("passed").GetBoolean()).Select(Name).Take(2));
        Assert.Equal(["pg_amcheck", "page checksums"], Checks(report).TakeLast(2).Select(Name));
        Assert.True(File.Exists(_host.PathOf($"services/main/drills/{Id(report)}.json")));
        RequireNothingLeft();
    }

    [Fact]
    public async Task A_query_that_hangs_even_one_that_cannot_be_ended_does_not_hold_the_drill_up()
    {
        // A server process that waits for a program listens to nobody, and this program neither.
        WriteChecks("""
                  hangs: { sql: SELECT pg_sleep(3600), expect: "1" }
                  stuck: { sql: "COPY (SELECT 1) TO PROGRAM 'trap \"\" INT TERM; sleep 60'", expect: "1" }
            """, "check-timeout: 2s");
        var report = (await DrillAsync(9)).Json;

        Assert.All(Sql(report), check => Assert.Contains("no answer within 2s", Detail(check), StringComparison.Ordinal));
        Assert.Equal(["sql hangs", "sql stuck", "page checksums"], Checks(report).Where(c => !c.GetProperty("passed").GetBoolean()).Select(Name));
        Assert.Contains("must be shut down", Detail(Checks(report)[^1]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_random_moment_is_inside_the_window_and_the_seed_brings_it_back()
    {
        var first = (await DrillAsync(0, "--target", "random", "--seed", "7")).Json;
        var again = (await DrillAsync(0, "--target", "random", "--seed", "7")).Json;
        var other = (await DrillAsync(0, "--target", "random")).Json;

        Assert.StartsWith("time 20", Target(first), StringComparison.Ordinal);
        Assert.Equal((Target(first), 7), (Target(again), again.GetProperty("random-seed").GetInt32()));
        Assert.NotEqual(JsonValueKind.Null, other.GetProperty("random-seed").ValueKind);
        Assert.Contains("(random, seed 7)", (await _host.RunAsync("drill", "report", "main", Id(first))).Must().Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        (await _host.RunAsync("drill", "main", "--seed", "7")).Must(1).MustSay("--target random");
        (await _host.RunAsync("drill", "main", "--target", "random", "--backup", _service.Backup)).Must(1).MustSay("--backup");
        (await _host.RunAsync("restore", "main", "--to", _directory["to"], "--target", "random")).Must(1).MustSay("is not a target");

        static string Target(JsonElement report) => report.GetProperty("target").GetString()!;
    }

    [Fact]
    public async Task A_recovery_that_cannot_even_begin_is_a_report_and_leaves_nothing()
    {
        // Without its first segment the backup leads nowhere, to no target and to no random one.
        foreach (var segment in Directory.EnumerateFiles(_host.PathOf("services/main/wal"), "0*", SearchOption.AllDirectories).Where(path => Path.GetExtension(path).Length == 0))
        {
            File.Delete(segment);
        }

        foreach (var target in new[] { "latest", "random" })
        {
            var report = (await DrillAsync(9, "--target", target)).Json;
            Assert.Equal((target, "failed"), (report.GetProperty("target").GetString(), report.GetProperty("verdict").GetString()));
            Assert.Single(report.GetProperty("failures").EnumerateArray());
        }
    }

    [Fact]
    public async Task Terminated_at_any_moment_it_leaves_no_process_and_no_directory()
    {
        var started = TimeProvider.System.GetTimestamp();
        (await DrillAsync(0)).Must();
        var whole = TimeProvider.System.GetElapsedTime(started);
        var random = new Random(TestEnvironment.Seed);
        _output.WriteLine($"seed {TestEnvironment.Seed}, a whole drill takes {whole}");
        for (var i = 0; i < Terminations; i++)
        {
            // One in each fifth of the time, so that every phase is met.
            var moment = whole * ((i + random.NextDouble()) / Terminations);
            using var drill = _host.Start("drill", "main");
            await Task.Delay(moment);
            await drill.TerminateAsync();
            var run = await drill.EndAsync(TimeSpan.FromMinutes(2));
            Assert.True(run.ExitCode is 130 or 143 or 0, $"after {moment}: {run}");
            RequireNothingLeft();
        }

        // Killed it leaves its server running, and the next one clears that away too.
        using (var killed = _host.Start("drill", "main"))
        {
            await Eventually.IsTrueAsync(() => Directory.EnumerateFiles(_host.Environment["TMPDIR"], ".s.PGSQL.*", SearchOption.AllDirectories).Any(), () => "the scratch server runs");
            await killed.KillAsync();
        }

        Assert.NotEmpty(Processes.Find("postgres", Path.Combine(_host.StateDirectory, "services", "main", "drill")));
        (await DrillAsync(0)).Must().MustSay("cleared away what a killed drill of service main had left", "with its PostgreSQL");
    }

    async Task<ProgramRun> DrillAsync(int exitCode, params string[] arguments)
    {
        var run = (await _host.RunAsync(["--output", "json", "drill", "main", .. arguments])).Must(exitCode);
        RequireNothingLeft();
        return run;
    }

    void RequireNothingLeft()
    {
        var scratch = Path.Combine(_host.StateDirectory, "services", "main", "drill");
        Assert.False(Directory.Exists(scratch), $"{scratch} is left");
        Assert.Empty(Processes.Find(scratch));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_host.Environment["TMPDIR"]));
    }

    // Indented as YAML wants it.
    void WriteChecks(string checks, string more = "row-counts: by-table") => _host.WriteConfiguration(
        $"    drill:\n      {more}\n      checks:\n" + string.Concat(checks.Split('\n').Select(line => $"        {line.Trim()}\n")));

    static JsonElement[] Checks(JsonElement report) => [.. report.GetProperty("checks").EnumerateArray()];

    static JsonElement[] Sql(JsonElement report) => [.. Checks(report).Where(check => Name(check).StartsWith("sql ", StringComparison.Ordinal))];

    static JsonElement Canaries(JsonElement report) =>
        Assert.Single(report.GetProperty("row-counts").GetProperty("largest").EnumerateArray(), table => table.GetProperty("table").GetString() == "public.canaries");

    static string Name(JsonElement check) => check.GetProperty("name").GetString()!;

    static string Detail(JsonElement check) => check.GetProperty("detail").GetString()!;

    static string Id(JsonElement report) => report.GetProperty("id").GetString()!;
}
