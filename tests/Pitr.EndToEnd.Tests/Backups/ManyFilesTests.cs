using System.Globalization;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.Backups;

/// <summary>
/// A cluster of very many small relations: what a backup keeps of each in memory is little. PITR_TEST_FILES says how many; with a million of them the
/// whole process stays below 300 MiB.
/// </summary>
public sealed class ManyFilesTests(ITestOutputHelper output)
{
    const long Most = 300L << 20;

    // Of which a million would fit besides what every backup takes.
    const long MostPerFile = 200;

    // What buffers take that the few bytes of the first backup did not fill.
    const long Buffers = 96L << 20;

    // A file can have 65 000 names on ext4.
    const int NamesPerFile = 50_000;

    [Fact]
    public async Task Memory_hardly_grows_with_the_number_of_files()
    {
        var files = TestEnvironment.Files;
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), settings: [("autovacuum", "off")]);
        await cluster.ExecuteAsync("CREATE TABLE t AS SELECT 1 i; CHECKPOINT");
        var (_, few) = await BackupAsync(cluster, "--full");
        await MakeAsync(cluster, await cluster.ScalarAsync<string>("SELECT pg_relation_filepath('t')"), files);

        var (full, fullPeak) = await BackupAsync(cluster, "--full");
        var (changed, changedPeak) = await BackupAsync(cluster);
        await cluster.ArchiveEverythingAsync();
        using var plan = cluster.Host.Start("restore", PitrHost.Service, "--to", cluster.Directory["to"], "--dry-run");
        var planPeak = await ProcessMemory.PeakAsync(plan);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{files} files: {few >> 20} MiB without them, {fullPeak >> 20} MiB with them, {changedPeak >> 20} MiB for their changes, {planPeak >> 20} MiB for the plan of a restore"));
        foreach (var backup in new[] { full, changed })
        {
            output.WriteLine($"{backup.GetProperty("finished").GetDateTimeOffset() - backup.GetProperty("started").GetDateTimeOffset()}, {backup.GetProperty("stored-bytes")} bytes");
            Assert.InRange(backup.GetProperty("files").GetInt32(), files, files + 5000);
            Assert.Equal(0, backup.GetProperty("damaged-pages").GetInt32());
        }

        Assert.True(changed.GetProperty("older-packs").EnumerateArray().Sum(p => p.GetProperty("used-bytes").GetInt64()) >= files * 8192L);
        Assert.All(new[] { fullPeak, changedPeak, planPeak }, peak => Assert.InRange(peak, 0, Math.Min(Most, few + (files * MostPerFile) + Buffers)));
    }

    // One relation's only page under many names: to a backup as many relations.
    static async Task MakeAsync(ProtectedCluster cluster, string path, int files)
    {
        const string script =
            """
            import os, shutil, sys
            source, files, names = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
            directory = os.path.dirname(source)
            for i in range(files):
                if i % names == 0:
                    copy = f"{directory}/{5000000 + i}"
                    shutil.copyfile(source, copy)
                else:
                    os.link(copy, f"{directory}/{5000000 + i}")
            """;
        (await ProgramRun.RunAsync("/usr/bin/python3", ["-c", script, Path.Combine(cluster.Cluster.DataDirectory, path), $"{files}", $"{NamesPerFile}"])).Must();
    }

    async Task<(JsonElement Backup, long Peak)> BackupAsync(ProtectedCluster cluster, params string[] more)
    {
        using var running = cluster.Host.Start(["--output", "json", "backup", PitrHost.Service, "--method", "direct", .. more]);
        var peak = await ProcessMemory.PeakAsync(running);
        return ((await running.EndAsync(TimeSpan.FromMinutes(1))).Must().Json, peak);
    }
}
