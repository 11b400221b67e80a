using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>`pitr expire` by the rules, with a real server: what goes is of no use, and what stays restores.</summary>
public sealed class RetentionTests
{
    const string Settings = "PITR_SERVICES__MAIN__RETENTION__";

    [Fact]
    public async Task What_no_rule_keeps_goes_and_every_moment_of_the_window_stays()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20));
        await cluster.ExecuteAsync("CREATE TABLE t (i int)");
        var old = await BackUpAsync(cluster, 1);
        var anchor = await BackUpAsync(cluster, 2);
        var start = await cluster.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        await cluster.ExecuteAsync("INSERT INTO t VALUES (3)");
        await cluster.ArchiveEverythingAsync();
        var between = await cluster.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        var newest = await BackUpAsync(cluster, 4);

        foreach (var rule in new[] { "DAILY", "WEEKLY", "MONTHLY", "YEARLY" })
        {
            cluster.Host.Environment[Settings + rule] = "0";
        }

        // The window begins just after the second backup: it is needed, although it is older. It ends with the newest WAL, however long ago that was stored.
        var end = Directory.EnumerateFiles(cluster.Host.PathOf("services/main/wal"), "*", SearchOption.AllDirectories)
            .Where(file => WalSegmentName.TryParse(Path.GetFileName(file), out _)).Max(File.GetLastWriteTimeUtc);
        cluster.Host.Environment[Settings + "MINIMUM"] = "1";
        cluster.Host.Environment[Settings + "WINDOW"] = string.Create(CultureInfo.InvariantCulture, $"{(int)(end - start).TotalSeconds}s");
        var planned = (await cluster.Host.RunAsync("expire", PitrHost.Service, "--dry-run")).Must().Output;
        Assert.Contains("goes", planned, StringComparison.Ordinal);
        Assert.True(File.Exists(cluster.Host.PathOf($"services/main/backups/{old}/backup.json")));

        var done = (await cluster.Host.RunAsync("--output", "json", "expire", PitrHost.Service)).Must().Json.GetProperty("services")[0];
        Assert.Equal([old], done.GetProperty("backups").EnumerateArray().Select(b => b.GetProperty("id").GetString()));
        Assert.Equal([old, anchor, newest], done.GetProperty("verdicts").EnumerateArray().Select(v => v.GetProperty("id").GetString()));
        Assert.True(done.GetProperty("repositories")[0].GetProperty("wal-files").GetInt64() > 0);

        await using (var restored = await RestoredCluster.StartAsync(cluster.Host, cluster.Directory["between"], "--target-time", between.ToString("yyyy-MM-dd HH:mm:ss.ffffff+00", CultureInfo.InvariantCulture)))
        {
            Assert.Equal(6L, await restored.ScalarAsync<long>("SELECT sum(i) FROM t"));
        }

        await using var latest = await RestoredCluster.StartAsync(cluster.Host, cluster.Directory["latest"]);
        Assert.Equal(10L, await latest.ScalarAsync<long>("SELECT sum(i) FROM t"));
        (await cluster.Host.RunAsync("wal", "verify", PitrHost.Service)).Must();
        (await cluster.Host.RunAsync("verify", PitrHost.Service)).Must();
    }

    static async Task<string> BackUpAsync(ProtectedCluster cluster, int row)
    {
        await cluster.ExecuteAsync($"INSERT INTO t VALUES ({row})");
        await cluster.ArchiveEverythingAsync();
        return (await cluster.Host.RunAsync("--output", "json", "backup", PitrHost.Service)).Must().Json.GetProperty("id").GetString()!;
    }
}
