using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr wal status` of a real server: while it archives, while it cannot, after that, and when it is down or dead.</summary>
public sealed class WalStatusTests
{
    static string[] Names(JsonElement status, string list) => [.. status.GetProperty(list).EnumerateArray().Select(p => p.GetProperty("name").GetString()!)];

    static async Task<JsonElement> StatusAsync(PitrHost host, int exitCode, params string[] more) =>
        (await host.RunAsync(["--output", "json", "wal", "status", "main", .. more])).Must(exitCode).Json;

    static ulong Position(JsonElement status, string name) => Lsn.Parse(status.GetProperty(name).GetString()!).Value;

    [Fact]
    public async Task An_archiver_that_fails_is_said_with_figures_until_it_works_again()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false, settings: [("autovacuum", "off")]);
        var host = cluster.Host;
        var log = cluster.Directory["agent.log"];
        await StartAgentAsync();
        await cluster.ExecuteAsync("CREATE TABLE t (x text); SELECT pg_create_physical_replication_slot('left_behind', true)");
        await cluster.ArchiveEverythingAsync();

        var well = await StatusAsync(host, 0, "--sample", "1s");
        Assert.Equal(("keeps-up", true), (well.GetProperty("archiving").GetString(), well.GetProperty("passed").GetBoolean()));
        Assert.StartsWith("main: archiving keeps up; last archived commit ", well.GetProperty("sentence").GetString(), StringComparison.Ordinal);
        Assert.InRange(well.GetProperty("lag-bytes").GetInt64(), 0, 1 << 20);
        Assert.Equal("left_behind", Assert.Single(well.GetProperty("slots").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(0, well.GetProperty("runway").GetProperty("growth-bytes-per-second").GetDouble());
        Assert.InRange(
            well.GetProperty("pg-wal").GetProperty("bytes").GetInt64(), 1 << 20, Directory.EnumerateFiles(cluster.PgWal).Sum(f => new FileInfo(f).Length));

        Directory.Move(host.Repository, host.Repository + "-away");
        for (var i = 0; i < 4; i++)
        {
            await cluster.ExecuteAsync("INSERT INTO t SELECT repeat(md5(i::text), 20) FROM generate_series(1, 500) i");
            await cluster.ExecuteAsync("SELECT pg_switch_wal()");
        }

        await Eventually.IsTrueAsync(() => cluster.ScalarAsync<bool>("SELECT failed_count > 0 FROM pg_stat_archiver"), () => "archiving fails");
        await StatusOfFailureAsync(cluster);
        // One that is started meanwhile says it at its first look: the backlog, its growth and the room that is left.
        cluster.Agent!.Dispose();
        await StartAgentAsync();
        await LogSaysAsync(log, @"(WRN|ERR) main: \d+ files wait for the archiver, the first for 10m; pg_wal has \d+ MiB and grows by [1-9]\d* KiB/s, \d+ MiB of WAL still fit on its disk: full in \d+[dhm]");

        Directory.Move(host.Repository + "-away", host.Repository);
        await cluster.ExecuteAsync("SELECT pg_reload_conf()");
        await cluster.ArchiveEverythingAsync();
        await Eventually.IsTrueAsync(() => Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*.ready").ToArray() is [], () => "nothing waits any more");
        await Eventually.IsTrueAsync(
            () => cluster.ScalarAsync<bool>("SELECT last_archived_time > last_failed_time FROM pg_stat_archiver"), () => "the statistics say so");
        Assert.Equal("keeps-up", (await StatusAsync(host, 0, "--sample", "0s")).GetProperty("archiving").GetString());
        await LogSaysAsync(log, @"main: archiving keeps up again; \d+ MiB are free on the disk of pg_wal");

        async Task StartAgentAsync()
        {
            host.Environment["PITR_LOG__FILE"] = log;
            cluster.Agent = await host.StartAgentAsync();
            host.Environment.Remove("PITR_LOG__FILE");
        }
    }

    static Task LogSaysAsync(string log, [StringSyntax(StringSyntaxAttribute.Regex)] string text)
    {
        var read = "";
        return Eventually.IsTrueAsync(
            async () =>
            {
                // The agent writes it on.
                using var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
                read = await reader.ReadToEndAsync();
                return Regex.IsMatch(read, text, RegexOptions.None, TimeSpan.FromSeconds(10));
            },
            () => $"the agent says: {text}\n{read}");
    }

    static async Task StatusOfFailureAsync(ProtectedCluster cluster)
    {
        // As if it went on for ten minutes; the archiver does not look at the times.
        var ready = Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*.ready").ToArray();
        foreach (var file in ready)
        {
            File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(-10));
        }

        var status = await StatusAsync(cluster.Host, 9, "--sample", "1s");
        Assert.Equal("fails", status.GetProperty("archiving").GetString());
        Assert.Empty(new[] { "archiving-fails", "repositories-missing" }.Except(Names(status, "problems")));
        Assert.Equal(["repository"], Names(status, "unknown"));
        Assert.Contains("; the last archived commit is not known, repository local did not answer; ", status.GetProperty("sentence").GetString(), StringComparison.Ordinal);
        Assert.Contains(status.GetProperty("problems").EnumerateArray(), p => p.GetProperty("text").GetString() == "1 repository must take a segment, and 0 answered");
        Assert.Equal(ready.Length, status.GetProperty("ready").GetInt32());
        Assert.InRange(ready.Length, 4, 1000);
        Assert.NotEqual(0, status.GetProperty("archiver").GetProperty("failed").GetInt64());
        var runway = status.GetProperty("runway");
        Assert.Equal("archiver", runway.GetProperty("held-by").GetString());
        Assert.InRange(runway.GetProperty("growth-bytes-per-second").GetDouble(), (ready.Length - 1) * 1048576.0 / 700, double.MaxValue);
        Assert.NotEqual(JsonValueKind.Null, runway.GetProperty("time-left-seconds").ValueKind);

        var text = (await cluster.Host.RunAsync("wal", "status", "main", "--sample", "0s", "--min-time-left", "36000d")).Must(9).Output;
        Assert.StartsWith("main: ARCHIVING FAILS since ", text, StringComparison.Ordinal);
        Assert.Contains("at the present rate full in ", text, StringComparison.Ordinal);
        Assert.Contains("the disk of pg_wal is full in ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("none found", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_down_is_judged_by_its_files_to_a_page()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off")]);
        await cluster.ExecuteAsync("CREATE TABLE t (x text); INSERT INTO t SELECT repeat(md5(i::text), 20) FROM generate_series(1, 3000) i");
        var segment = await cluster.ArchiveEverythingAsync();
        // PostgreSQL has to know, too, before it crashes.
        await Eventually.IsTrueAsync(() => !File.Exists(Path.Combine(cluster.PgWal, "archive_status", segment + ".ready")), () => $"{segment} is done");
        await cluster.ExecuteAsync("INSERT INTO t SELECT md5(i::text) FROM generate_series(1, 300) i; CHECKPOINT");
        var written = Lsn.Parse(await cluster.ScalarAsync<string>("SELECT pg_current_wal_flush_lsn()::text")).Value;

        // A crash, so that nothing is written on the way out.
        await cluster.Cluster.StopAsync(ServerStopMode.Immediate);
        var status = await StatusAsync(cluster.Host, 10);

        Assert.Equal(("keeps-up", "pg_wal"), (status.GetProperty("archiving").GetString(), status.GetProperty("position-from").GetString()));
        Assert.InRange(Position(status, "position"), written, written + (2 * 8192) + 1024);
        Assert.Equal(["server"], Names(status, "unknown"));
        Assert.Equal(segment, status.GetProperty("repositories")[0].GetProperty("newest").GetString());
        Assert.Equal(WalSegmentName.Parse(segment).Next(WalSegmentSize.From(1 << 20)).StartLsn(WalSegmentSize.From(1 << 20)).Value, Position(status, "archived-to"));
        Assert.Equal(Position(status, "position") - Position(status, "archived-to"), status.GetProperty("lag-bytes").GetUInt64());
        Assert.NotEqual(JsonValueKind.Null, status.GetProperty("last-commit").ValueKind);
        Assert.Contains("does not answer", status.GetProperty("sentence").GetString(), StringComparison.Ordinal);

        await cluster.Cluster.StartAsync();
        Assert.Equal("server", (await StatusAsync(cluster.Host, 0, "--sample", "0s")).GetProperty("position-from").GetString());
    }

    [Fact]
    public async Task A_server_whose_archiving_is_off_and_a_wrong_option_are_said()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), archiveModeOn: false, withAgent: false);

        Assert.Equal(["archiving-off"], Names(await StatusAsync(cluster.Host, 9, "--sample", "0s"), "problems"));
        (await cluster.Host.RunAsync("wal", "status", "main", "--sample", "5")).Must(2).MustSay("whole number with its unit");
    }

    [Fact]
    public async Task WAL_of_crashes_and_switches_hangs_together()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await cluster.ExecuteAsync("CREATE TABLE t (x text)");
        for (var round = 0; round < 3; round++)
        {
            await cluster.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO t SELECT repeat(md5(i::text), {round * 40}) FROM generate_series(1, 2000) i"));
            await using (var session = await cluster.OpenAsync())
            {
                // Left in the middle of a transaction that writes.
                var before = await cluster.ScalarAsync<string>("SELECT pg_current_wal_insert_lsn()::text");
                var writing = session.ExecuteAsync("INSERT INTO t SELECT repeat(md5(i::text), 90) FROM generate_series(1, 10000000) i");
                await Eventually.IsTrueAsync(
                    () => cluster.ScalarAsync<bool>($"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{before}') > 2 * 1048576"), () => "two segments are written");
                await cluster.Cluster.StopAsync(ServerStopMode.Immediate);
                await Assert.ThrowsAnyAsync<Exception>(() => writing);
            }

            await cluster.Cluster.StartAsync();
        }

        await cluster.ArchiveEverythingAsync();
        await Eventually.IsTrueAsync(() => Directory.EnumerateFiles(Path.Combine(cluster.PgWal, "archive_status"), "*.ready").ToArray() is [], () => "everything is archived");

        var report = (await cluster.Host.RunAsync("--output", "json", "wal", "verify", "main")).Must().Json;
        Assert.InRange(report.GetProperty("segments").GetInt64(), 5, 10_000);
        Assert.Equal(0, report.GetProperty("finding-count").GetInt64());
    }
}
