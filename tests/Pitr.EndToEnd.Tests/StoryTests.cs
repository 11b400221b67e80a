using System.Text.Json;
using System.Text.RegularExpressions;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>The main job from beginning to end, with the commands a person types.</summary>
public sealed partial class StoryTests
{
    const string Content = "SELECT count(*) || ' ' || md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM orders t";

    [Fact]
    public async Task A_dropped_table_comes_back_and_a_drill_proves_that_it_does()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(archiveModeOn: false, withAgent: false);
        var host = cluster.Host;

        await TurnOnArchivingAsync(cluster);
        (await host.RunAsync("check", PitrHost.Service)).Must();
        RequireMembers((await host.RunAsync("--output", "json", "check", PitrHost.Service)).Must().Json, "format", "service", "passed", "checks");

        await cluster.ExecuteAsync("CREATE TABLE orders AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 20000) i");
        var backup = await cluster.BackupAsync();
        RequireMembers(
            backup, "format", "id", "service", "kind", "method", "host", "pitr-version", "started", "finished", "stop-time", "start-lsn", "stop-lsn", "start-wal",
            "stop-wal", "timeline", "system-identifier", "postgres-version", "wal-segment-size", "database-bytes", "stored-bytes", "files", "manifest", "packs", "data-keys");

        await cluster.ExecuteAsync("INSERT INTO orders SELECT i, 'late ' || i FROM generate_series(20001, 25000) i; UPDATE orders SET note = note || '!' WHERE id % 7 = 0");
        var before = await cluster.ScalarAsync<string>(Content);
        var moment = await cluster.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        await cluster.ExecuteAsync("DROP TABLE orders");
        await cluster.ExecuteAsync("CREATE TABLE afterwards (id int)");
        var last = await cluster.ArchiveEverythingAsync();

        RequirePlan(await host.RunAsync("--output", "json", "restore", PitrHost.Service, "--to", cluster.Directory["back"], "--target-time", moment, "--dry-run"), backup);
        Assert.False(Directory.Exists(cluster.Directory["back"]));

        await using (var restored = await cluster.RestoreAsync("back", "--target-time", moment))
        {
            RequireMembers(restored.Result, "format", "service", "backup", "directory", "recovery", "socket-directory", "port", "last-commit", "seconds");
            Assert.Equal("promoted", restored.Result.GetProperty("recovery").GetString());
            Assert.Equal(before, await restored.ScalarAsync<string>(Content));
            Assert.False(await restored.ScalarAsync<bool>("SELECT to_regclass('afterwards') IS NOT NULL"));
            Assert.Equal("off", await restored.ScalarAsync<string>("SHOW archive_mode"));
            await using var connection = await restored.OpenAsync();
            await using var write = new Npgsql.NpgsqlCommand("INSERT INTO orders VALUES (0, 'takes writes')", connection);
            Assert.Equal(1, await write.ExecuteNonQueryAsync());
        }

        await RequireDrillAsync(cluster, backup);
        await RequireInfoAsync(cluster, backup, last);
    }

    static async Task TurnOnArchivingAsync(ProtectedCluster cluster)
    {
        // The set-up was applied to a server with archive_mode off: archive_command is there, a restart is due.
        var again = (await cluster.Host.InitAsync(cluster.Cluster.ConnectionString(), cluster.Cluster.DataDirectory, "--apply", "--force", "--output", "json")).Must().Json;
        RequireMembers(again, "format", "configuration", "identity", "recipients", "settings", "applied");
        Assert.Contains("archive_mode", again.GetProperty("applied").GetProperty("restart-needed").EnumerateArray().Select(s => s.GetString()));
        (await cluster.Host.RunAsync("check", PitrHost.Service)).Must(9);

        await cluster.Cluster.StopAsync();
        await cluster.Cluster.StartAsync();
        cluster.Agent = await cluster.Host.StartAgentAsync();
    }

    static void RequirePlan(ProgramRun run, JsonElement backup)
    {
        var plan = run.Must().Json;
        RequireMembers(
            plan, "format", "service", "target", "backup", "backup-reason", "timelines", "first-wal", "last-wal", "wal-segments", "last-commit", "fetch-bytes",
            "restored-bytes", "directory", "archive-off");
        Assert.Equal(backup.GetProperty("id").GetString(), plan.GetProperty("backup").GetString());
        Assert.True(plan.GetProperty("archive-off").GetBoolean());
    }

    static async Task RequireDrillAsync(ProtectedCluster cluster, JsonElement backup)
    {
        var file = cluster.Directory["drill.html"];
        var report = (await cluster.Host.RunAsync("--output", "json", "drill", PitrHost.Service, "--report", file)).Must().Json;
        RequireMembers(
            report, "format", "id", "service", "host", "requested", "target", "backup", "verdict", "failures", "rto-seconds", "rto-objective-seconds", "rpo-seconds",
            "rpo-objective-seconds", "rpo-basis", "restored-bytes", "fetched-bytes", "wal-segments", "phases", "checks");
        Assert.Equal("passed", report.GetProperty("verdict").GetString());
        Assert.Equal(backup.GetProperty("id").GetString(), report.GetProperty("backup").GetString());
        Assert.Equal(300, report.GetProperty("rpo-objective-seconds").GetDouble());
        Assert.Equal(900, report.GetProperty("rto-objective-seconds").GetDouble());
        Assert.InRange(report.GetProperty("rto-seconds").GetDouble(), double.Epsilon, 900);
        Assert.Equal(["plan", "fetch", "replay", "start", "check"], report.GetProperty("phases").EnumerateArray().Select(p => p.GetProperty("name").GetString()!));
        Assert.All(report.GetProperty("checks").EnumerateArray(), check => Assert.True(check.GetProperty("passed").GetBoolean(), check.ToString()));
        Assert.Superset(
            new HashSet<string> { "server answers", "tables of postgres", "pg_amcheck", "page checksums" },
            report.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("name").GetString()!).ToHashSet());

        var stored = JsonDocument.Parse(File.ReadAllBytes(cluster.Host.PathOf($"services/main/drills/{report.GetProperty("id").GetString()}.json"))).RootElement;
        Assert.True(JsonElement.DeepEquals(report, stored), $"printed: {report}\nstored: {stored}");

        var html = await File.ReadAllTextAsync(file);
        Assert.Contains("Passed", html, StringComparison.Ordinal);
        Assert.DoesNotMatch(ExternalReference(), html);
        Assert.All(
            Directory.EnumerateDirectories(cluster.Host.StateDirectory, "drill", SearchOption.AllDirectories),
            scratch => Assert.Empty(Directory.EnumerateFileSystemEntries(scratch)));
    }

    static async Task RequireInfoAsync(ProtectedCluster cluster, JsonElement backup, string last)
    {
        var sentence = (await cluster.Host.RunAsync("info")).Must().Output;
        Assert.Contains("restorable to any moment from", sentence, StringComparison.Ordinal);

        var info = Assert.Single((await cluster.Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services").EnumerateArray());
        RequireMembers(info, "service", "restorable", "last-commit", "spans", "backups", "timelines");
        Assert.True(info.GetProperty("restorable").GetBoolean());
        var span = Assert.Single(info.GetProperty("spans").EnumerateArray());
        RequireMembers(span, "timeline", "from", "to", "first-backup", "last-wal");
        Assert.Equal(backup.GetProperty("id").GetString(), span.GetProperty("first-backup").GetString());
        Assert.True(string.CompareOrdinal(span.GetProperty("last-wal").GetString(), last) >= 0);
        Assert.Equal(backup.GetProperty("id").GetString(), Assert.Single(info.GetProperty("backups").EnumerateArray()).GetProperty("id").GetString());

        var list = (await cluster.Host.RunAsync("--output", "json", "wal", "list")).Must().Json;
        RequireMembers(list, "format", "service", "wal-segment-size", "timelines");
        var timeline = Assert.Single(list.GetProperty("timelines").EnumerateArray());
        Assert.Equal(1, timeline.GetProperty("timeline").GetInt32());
        Assert.Empty(timeline.GetProperty("gaps").EnumerateArray());
        RequireMembers(Assert.Single(timeline.GetProperty("spans").EnumerateArray()), "first", "last", "segments", "stored-bytes", "newest-stored");
        Assert.Contains(last[..8], (await cluster.Host.RunAsync("wal", "list", PitrHost.Service)).Must().Output, StringComparison.Ordinal);
    }

    static void RequireMembers(JsonElement json, params string[] names)
    {
        foreach (var name in names)
        {
            Assert.True(json.TryGetProperty(name, out _), $"no member \"{name}\" in {json}");
        }
    }

    [GeneratedRegex("""(src|href)\s*=|url\(|@import|https?:|<script|<link""", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 10000)]
    private static partial Regex ExternalReference();
}
