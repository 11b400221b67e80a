using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// `pitr info` about a large archive: PITR_TEST_ARCHIVE_SEGMENTS and PITR_TEST_BACKUPS say how large. First and last segment, and the first two backups,
/// are real, with everything in between made up: empty files under generated names, and copies of the second backup's entry.
/// </summary>
public sealed class InfoScaleTests(ITestOutputHelper output)
{
    // A busy machine takes longer than the two seconds aimed at on a quiet one.
    static readonly TimeSpan Most = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_large_archive_is_told_of_in_one_sentence_and_soon()
    {
        var (segments, backups) = (TestEnvironment.ArchiveSegments, TestEnvironment.Backups);
        await using var cluster = await ProtectedCluster.CreateAsync(withAgent: false);
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT i FROM generate_series(1, 10000) i");
        await cluster.BackupAsync();
        var near = WalSegmentName.Parse(await cluster.ArchiveEverythingAsync());
        var far = await MoveOnAsync(cluster, near, segments);
        await FillAsync(cluster.Host, near, far, backups);

        var started = TimeProvider.System.GetTimestamp();
        var text = (await cluster.Host.RunAsync("info")).Must().Output;
        var took = TimeProvider.System.GetElapsedTime(started);
        var info = (await cluster.Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0];

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{segments} segments, {backups} backups: {took.TotalSeconds:0.00} s"));
        Assert.StartsWith("main: restorable to any moment from ", text, StringComparison.Ordinal);
        Assert.Contains("no gaps", text[..text.IndexOf('\n', StringComparison.Ordinal)], StringComparison.Ordinal);
        Assert.Equal(backups, info.GetProperty("backups").GetArrayLength());
        var span = Assert.Single(info.GetProperty("spans").EnumerateArray());
        Assert.Equal(far.ToString(), span.GetProperty("last-wal").GetString());
        Assert.Equal(info.GetProperty("last-commit").GetDateTimeOffset(), span.GetProperty("to").GetDateTimeOffset());
        var wal = Assert.Single(info.GetProperty("timelines")[0].GetProperty("spans").EnumerateArray());
        Assert.InRange(wal.GetProperty("segments").GetInt64(), segments, segments + 100);
        Assert.InRange(took, TimeSpan.Zero, Most);
    }

    // The server goes on that many segments later, as if it had written them, and archives a last one with a commit.
    static async Task<WalSegmentName> MoveOnAsync(ProtectedCluster cluster, WalSegmentName near, int segments)
    {
        var size = WalSegmentSize.Default;
        var next = WalSegmentName.FromNumber(near.Timeline, near.Number(size) + (ulong)segments, size);
        await cluster.Cluster.StopAsync();
        (await ProgramRun.RunAsync(cluster.Cluster.BinDirectory.Program("pg_resetwal"), ["-l", next.ToString(), "-D", cluster.Cluster.DataDirectory])).Must();
        await cluster.Cluster.StartAsync();
        await cluster.ExecuteAsync("CREATE TABLE far AS SELECT 1");
        return WalSegmentName.Parse(await cluster.ArchiveEverythingAsync());
    }

    static async Task FillAsync(PitrHost host, WalSegmentName near, WalSegmentName far, int backups)
    {
        const string script =
            """
            import datetime, json, os, sys
            service, near, far, backups = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
            number = lambda name: int(name[8:16], 16) * 256 + int(name[16:], 16)
            for n in range(number(near) + 1, number(far)):
                directory = f"{service}/wal/{near[:8]}/{n // 256:08X}"
                if n % 256 == 0 or n == number(near) + 1:
                    os.makedirs(directory, exist_ok=True)
                path = f"{directory}/{near[:8]}{n // 256:08X}{n % 256:08X}"
                if not os.path.exists(path):
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            there = sorted(os.listdir(f"{service}/backups"))
            entry = json.load(open(f"{service}/backups/{there[-1]}/backup.json"))
            entry["older-packs"] = entry["older-packs"] * 50
            form = "%Y%m%dT%H%M%SZ"
            for i in range(1, backups - len(there) + 1):
                name = (datetime.datetime.strptime(there[-1], form) + datetime.timedelta(seconds=i)).strftime(form)
                os.makedirs(f"{service}/backups/{name}")
                json.dump(entry | {"id": name}, open(f"{service}/backups/{name}/backup.json", "w"))
            """;
        (await ProgramRun.RunAsync("/usr/bin/python3", ["-c", script, host.PathOf($"services/{PitrHost.Service}"), near.ToString(), far.ToString(), $"{backups}"])).Must();
    }
}
