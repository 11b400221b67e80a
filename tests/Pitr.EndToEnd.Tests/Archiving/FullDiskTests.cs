using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Archiving;

/// <summary>A file system that is full, on either side of the archive: nothing is acknowledged that is not stored, nothing stays half, and with room all goes on.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class FullDiskTests(ProtectedService service) : IDisposable
{
    const string Full = "No space left on device";

    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SmallDiskFact]
    public async Task A_full_state_directory_stops_archiving_and_nothing_is_acknowledged_until_there_is_room()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false);
        var host = cluster.Host;
        using var disk = SmallDisk.Mount(Directory.CreateDirectory(host.StateDirectory).FullName, "size=4m");
        disk.Fill();
        host.Through = disk.Enter;
        cluster.Agent = await host.StartAgentAsync();
        await cluster.FillAsync(3);
        await Eventually.IsTrueAsync(
            async () => await cluster.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver") > 2, () => $"without a data key nothing is archived; {cluster.Log()}");

        Assert.Empty(cluster.Acknowledged());
        Assert.False(Directory.Exists(host.PathOf("services/main/wal")));
        // However often it is tried, a key that cannot be kept is not left in the repository.
        Assert.False(Directory.Exists(host.PathOf("keys")));
        var log = string.Join('\n', cluster.Cluster.Server.LogTail(200));
        Assert.Contains(Full, log, StringComparison.Ordinal);
        Assert.Contains("nothing is acknowledged; make room in the state directory", log, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", log, StringComparison.Ordinal);

        disk.Free();
        await cluster.EverythingIsArchivedAsync();
    }

    [SmallDiskFact]
    public async Task What_a_repository_lacks_and_cannot_be_written_down_is_not_acknowledged()
    {
        var host = await OfferAsync(service.FirstSegment, service.LastSegment);
        await File.WriteAllTextAsync(host.ConfigurationFile, (await File.ReadAllTextAsync(host.ConfigurationFile))
            .Replace("encryption:", $"  second:\n    url: file://{_directory["second"]}\n    retry: {{ deadline: 1s }}\nencryption:", StringComparison.Ordinal)
            .Replace("repositories: [local]", "repositories: [local, second]\n    required: 1", StringComparison.Ordinal));
        (await host.RunAsync("repo", "init", "second")).Must();
        using var disk = SmallDisk.Mount(Directory.CreateDirectory(host.StateDirectory).FullName, "size=4m,nr_inodes=300");
        host.Through = disk.Enter;
        using var agent = await host.StartAgentAsync();
        (await PushAsync(host, service.FirstSegment)).Must();
        Directory.Move(_directory["second"], _directory["away"]);

        // A debt is an empty file: what it needs is a name.
        disk.FillNames();
        (await PushAsync(host, service.LastSegment)).Must(4).MustSay(service.LastSegment, Full, "nothing is acknowledged; make room in the state directory");

        disk.Free();
        (await PushAsync(host, service.LastSegment)).Must();
        var debts = Directory.EnumerateFiles(disk.Seen(Path.Combine(host.StateDirectory, "services/main/owed/second")), "*", SearchOption.AllDirectories).Select(Path.GetFileName);
        Assert.Contains(service.LastSegment, debts);
        Directory.Move(_directory["away"], _directory["second"]);
        (await host.RunAsync("repo", "catch-up", "main")).Must();
        (await host.RunAsync("wal", "verify", "main")).Must();
    }

    [SmallDiskFact]
    public async Task A_full_repository_is_waited_for_and_everything_is_archived_when_there_is_room()
    {
        await using var cluster = await ProtectedCluster.CreateAsync(WalSegmentSize.From(1 << 20), withAgent: false, settings: [("wal_keep_size", "1GB")]);
        var host = cluster.Host;
        await cluster.FillAsync(1);
        await cluster.EverythingIsArchivedAsync();
        var before = cluster.Acknowledged();
        using var disk = SmallDisk.Mount(host.Repository, "size=24m");
        foreach (var entry in Directory.EnumerateDirectories(host.Repository))
        {
            TestDirectory.Copy(entry, disk.Seen(entry));
        }

        foreach (var file in Directory.EnumerateFiles(host.Repository))
        {
            File.Copy(file, disk.Seen(file));
        }

        host.Through = disk.Enter;
        disk.Fill(keepFree: 16 << 10);
        cluster.Agent = await host.StartAgentAsync();
        await cluster.FillAsync(12);
        await Eventually.IsTrueAsync(
            async () => await cluster.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver") > 2, () => $"archiving fails; {cluster.Log()}");

        Assert.All(cluster.Acknowledged().Except(before), name => Assert.True(File.Exists(disk.Seen(host.WalPath(name))), $"{name} was acknowledged and is not there"));
        Assert.NotEmpty(cluster.Waiting());
        Assert.Contains(Full, string.Join('\n', cluster.Cluster.Server.LogTail(200)), StringComparison.Ordinal);
        // What is there is whole; small ones that were pushed ahead may have found room where the one before them did not.
        var report = (await host.RunAsync("--output", "json", "wal", "verify", "main")).Json;
        Assert.All(report.GetProperty("findings").EnumerateArray(), finding => Assert.Equal("gap", finding.GetProperty("kind").GetString()));

        disk.Free();
        await cluster.EverythingIsArchivedAsync(disk.Seen(host.Repository));
        (await host.RunAsync("wal", "verify", "main")).Must();
        Assert.Empty(Directory.EnumerateFiles(disk.Seen(host.Repository), ".tmp-*", SearchOption.AllDirectories));
    }

    [SmallDiskFact]
    public async Task Without_room_for_a_fetched_segment_recovery_is_stopped_and_not_ended()
    {
        var host = service.CopyTo(_directory);
        var place = _directory.New("pg_wal");
        using var disk = SmallDisk.Mount(place, "size=20m");
        host.Through = disk.Enter;
        disk.Fill(keepFree: 8 << 20);
        var destination = Path.Combine(place, "RECOVERYXLOG");
        foreach (var withAgent in new[] { false, true })
        {
            using var agent = withAgent ? await host.StartAgentAsync() : null;
            (await host.ArchiveAsync("get", "main", service.FirstSegment, destination)).Must(126).MustSay(destination, "the disk was full", "HINT: check space");
            Assert.Equal([disk.Seen(Path.Combine(place, "filler"))], Directory.EnumerateFileSystemEntries(disk.Seen(place)));
            // For a standby it is a reason to ask again, not to stop.
            (await host.ArchiveAsync("get", "main", service.FirstSegment, destination, "--standby")).Must(1).MustSay("the disk was full");

            disk.Free();
            (await host.ArchiveAsync("get", "main", service.FirstSegment, destination)).Must();
            Assert.Equal(16 << 20, new FileInfo(disk.Seen(destination)).Length);
            File.Delete(disk.Seen(destination));
            disk.Fill(keepFree: 8 << 20);
        }
    }

    [SmallDiskFact]
    public async Task A_restore_whose_room_runs_out_says_so_and_succeeds_where_there_is_room()
    {
        var host = service.CopyTo(_directory);
        var place = _directory.New("to");
        using var disk = SmallDisk.Mount(place, "size=16m");
        host.Through = disk.Enter;
        var to = Path.Combine(place, "cluster");
        (await host.RunAsync("restore", "main", "--to", to)).Must(8).MustSay($"{place} has", "bytes free; the restore needs", "HINT: free some space");
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.Seen(place)));

        // There was room when it began; somebody else takes it, before the first file has come.
        disk.Resize("size=400m");
        host.Environment["PITR_REPOSITORIES__LOCAL__DOWNLOAD_LIMIT"] = "1MB/s";
        using (var restore = host.Start("restore", "main", "--to", to))
        {
            await Eventually.IsTrueAsync(() => restore.HasExited || File.Exists(disk.Seen(Marker(to))), () => "the restore begins");
            disk.Resize("size=8m");
            (await restore.EndAsync(TimeSpan.FromMinutes(2))).Must(8).MustSay($"{to} could not be filled", "HINT: check the space", "the same command may be run again");
        }

        Assert.True(File.Exists(disk.Seen(Marker(to))));
        // No server starts on what is not whole.
        Assert.False(File.Exists(disk.Seen(Path.Combine(to, "global/pg_control"))));

        disk.Resize("size=400m");
        host.Environment.Clear();
        (await host.RunAsync("restore", "main", "--to", to)).Must();
        Assert.False(File.Exists(disk.Seen(Marker(to))));
        TestDirectory.Copy(disk.Seen(to), _directory["moved"]);
        await using var recovered = RecoveringCluster.Start(host, _directory["moved"]);
        await recovered.WaitUntilRecoveryEndsAsync();
        Assert.Equal(service.ContentLatest, await recovered.ScalarAsync<string>(ProtectedService.Content));
    }

    static string Marker(string directory) => Path.Combine(directory, ".pitr-restore-incomplete");

    // A host with an empty repository, and segments of the service to push into it.
    async Task<PitrHost> OfferAsync(params string[] segments)
    {
        var host = new PitrHost(_directory.New("host"), _directory["repository"]);
        (await host.InitAsync($"Host={_directory.Path}", _directory["data"])).Must();
        host.WriteConfiguration();
        foreach (var segment in segments)
        {
            (await service.Host.RunAsync("wal", "get", "main", segment, Offered(segment))).Must();
        }

        return host;
    }

    string Offered(string segment) => Path.Combine(_directory.New("wal"), segment);

    Task<ProgramRun> PushAsync(PitrHost host, string segment) => host.ArchiveAsync("push", "main", Offered(segment));
}
