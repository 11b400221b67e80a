using Pitr.EndToEnd.Tests.Backups;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>What goes wrong in the middle of a restore in place: the old cluster is back and runs, and the reason is said.</summary>
[Collection(StoppedServiceCollection.Name)]
public sealed class InPlaceFaultTests(StoppedService original)
{
    [Fact]
    public async Task A_server_that_does_not_start_is_replaced_by_the_old_one()
    {
        await using var service = await LiveService.StartAsync(original);
        await File.WriteAllTextAsync(service.OnRestored, "echo 'the unit is masked' >&2; exit 5");

        (await service.RestoreAsync(original.Moment)).Must(10).MustSay("the unit is masked", "rolled back", $"the old cluster is in {service.DataDirectory} again", "its server runs", "HINT:");

        // Its log could say why.
        Assert.Equal(2, service.Aside("failed").Count);
        await RequireOldAsync(service);
        File.Delete(service.OnRestored);
        (await service.RestoreAsync(original.Moment)).Must();
        Assert.Equal(original.RowsThen, await service.ScalarAsync<string>(StoppedService.Rows));
    }

    [Fact]
    public async Task A_recovery_that_does_not_reach_its_target_is_replaced_by_the_old_one()
    {
        await using var service = await LiveService.StartAsync(original);
        var last = (await service.RestoreAsync(original.Moment, "--dry-run", "--output", "json")).Must().Json.GetProperty("last-wal").GetString()!;
        // It was there when the plan was made.
        await File.WriteAllTextAsync(service.OnRestored, $"rm {service.Host.WalPath(last)}");

        (await service.RestoreAsync(original.Moment)).Must(10).MustSay("went down before it had reached the target", "rolled back");

        Assert.Contains("recovery ended before configured recovery target was reached", service.Log, StringComparison.Ordinal);
        await RequireOldAsync(service);
    }

    [Fact]
    public async Task Damaged_packs_leave_the_old_one_running_and_nothing_behind()
    {
        await using var service = await LiveService.StartAsync(original);
        foreach (var pack in Directory.EnumerateFiles(service.Host.PathOf("services/main/packs"), "*", SearchOption.AllDirectories).ToArray())
        {
            var content = await File.ReadAllBytesAsync(pack);
            content[content.Length / 3] ^= 4;
            File.Delete(pack);
            await File.WriteAllBytesAsync(pack, content);
        }

        (await service.RestoreAsync(original.Moment)).Must(5).MustSay("damaged", "rolled back", "its server runs", "HINT:");

        Assert.Empty(service.Aside("failed"));
        await RequireOldAsync(service);
    }

    [SmallDiskFact]
    public async Task A_full_disk_in_the_middle_leaves_the_old_one_running_and_nothing_behind()
    {
        await using var service = await LiveService.StartAsync(original, "size=500m");
        using var running = await InTheMiddleAsync(service);
        service.Disk.Fill();

        (await running.EndAsync(TimeSpan.FromMinutes(2))).Must(8).MustSay("No space left on device", "rolled back", "its server runs");

        // Room enough to start is not room enough to work.
        service.Disk.Free();
        Assert.Empty(service.Aside("failed"));
        await RequireOldAsync(service);
    }

    [Fact]
    public async Task An_interruption_puts_the_old_one_back()
    {
        await using var service = await LiveService.StartAsync(original);
        using var running = await InTheMiddleAsync(service);
        (await service.RestoreAsync(original.Moment)).Must(11).MustSay("another restore in place");
        (await ProgramRun.RunAsync("/bin/kill", ["-INT", $"{running.ProcessId}"])).Must();

        (await running.EndAsync(TimeSpan.FromMinutes(2))).Must(130).MustSay("interrupted", "rolled back", "its server runs");

        await RequireOldAsync(service);
    }

    [Fact]
    public async Task A_cluster_that_did_not_run_is_put_back_and_not_started()
    {
        await using var service = await LiveService.StartAsync(original);
        (await service.ServerAsync("stop")).Must();
        var before = RestoredTree.Read(service.DataDirectory, service.Space);
        await File.WriteAllTextAsync(service.OnRestored, "exit 5");

        (await service.RestoreAsync(original.Moment)).Must(10).MustSay("no server runs, as before");

        Assert.False(service.IsRunning);
        foreach (var failed in service.Aside("failed"))
        {
            Directory.Delete(failed, recursive: true);
        }

        Assert.Equal("", before.Difference(RestoredTree.Read(service.DataDirectory, service.Space)));
    }

    // A slow repository; some files are there.
    static async Task<RunningProgram> InTheMiddleAsync(LiveService service)
    {
        service.WriteConfiguration(rate: "500kB/s");
        var running = service.Start("latest");
        await Eventually.IsTrueAsync(
            async () =>
            {
                if (running.HasExited)
                {
                    Assert.Fail((await running.EndAsync(TimeSpan.FromSeconds(1))).ToString());
                }

                return service.Aside("before").Count == 2 && RestoredTree.IsMarked(service.Seen(service.DataDirectory)) && Directory.Exists(service.Seen(Path.Combine(service.DataDirectory, "base")));
            },
            () => "files are written");
        return running;
    }

    async Task RequireOldAsync(LiveService service)
    {
        Assert.Equal(original.RowsNow, await service.ScalarAsync<string>(StoppedService.Rows));
        Assert.Equal("00000001", await service.ScalarAsync<string>("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"));
        Assert.Empty(service.Aside("before"));
        Assert.Empty(Directory.EnumerateFiles(service.Seen(service.Parent), "*.pitr-*"));
        Assert.False(RestoredTree.IsMarked(service.Seen(service.Space)));
    }
}
