using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>A cluster whose pg_wal lies elsewhere goes back in place like any other; and one that went to the wrong moment comes back by one command, with nothing lost of either.</summary>
[Collection(StoppedServiceCollection.Name)]
public sealed class UndoneInPlaceTests(StoppedService original)
{
    [Fact]
    public async Task A_linked_pg_wal_stays_where_it_is_and_the_wrong_moment_is_undone_by_one_command()
    {
        await using var service = await LiveService.StartAsync(original, linkedWal: true);
        await service.ExecuteAsync("INSERT INTO notes (note) VALUES ('before all of it')");
        var old = await service.ScalarAsync<string>(StoppedService.Rows);

        // It fails first: WAL comes back as well.
        await File.WriteAllTextAsync(service.OnRestored, "exit 1\n");
        (await service.RestoreAsync(original.Moment)).Must(10).MustSay("rolled back", "its server runs");
        File.Delete(service.OnRestored);
        Assert.Equal(old, await service.ScalarAsync<string>(StoppedService.Rows));
        RequireLinked(service);
        (await service.RestoreAsync("--roll-back")).Must(8).MustSay("nothing to roll back");
        foreach (var failed in service.Aside("failed"))
        {
            Directory.Delete(failed, recursive: true);
        }

        var plan = (await service.RestoreAsync(original.Moment, "--dry-run")).Must().Output;
        Assert.Contains($"move {service.WalDirectory} to {service.WalDirectory}.before-", plan, StringComparison.Ordinal);
        Assert.Contains($"with pg_wal in {service.WalDirectory} as before", plan, StringComparison.Ordinal);
        var done = (await service.RestoreAsync(original.Moment)).Must().Output;
        Assert.Contains("restore main --in-place --roll-back", done, StringComparison.Ordinal);
        Assert.Equal(original.RowsThen, await service.ScalarAsync<string>(StoppedService.Rows));
        Assert.Equal(3, service.Aside("before").Count);
        RequireLinked(service);

        // The wrong moment, and something was written since.
        await service.ExecuteAsync("INSERT INTO notes (note) VALUES ('after all of it')");
        var undoing = (await service.RestoreAsync("--roll-back", "--dry-run")).Must().Output;
        Assert.Contains("with everything that was written since", undoing, StringComparison.Ordinal);
        Assert.Empty(service.Aside("undone"));
        var undone = (await service.RestoreAsync("--roll-back")).Must().Output;
        Assert.Contains("--target-timeline 1", undone, StringComparison.Ordinal);
        Assert.Equal(old, await service.ScalarAsync<string>(StoppedService.Rows));
        RequireLinked(service);
        Assert.Empty(service.Aside("before"));
        Assert.Equal(3, service.Aside("undone").Count);
        Assert.False(File.Exists(service.KeptJournal));

        // It writes and archives on its own timeline, and there is nothing more to undo.
        var segment = await service.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
        Assert.StartsWith("00000001", segment, StringComparison.Ordinal);
        await Eventually.IsTrueAsync(() => File.Exists(service.Host.WalPath(segment)), () => $"{segment} is archived; {service.Log}");
        (await service.RestoreAsync("--roll-back")).Must(8).MustSay("nothing to roll back");
    }

    [SmallDiskFact]
    public async Task A_mount_point_is_refused_before_the_server_is_stopped()
    {
        await using var service = await LiveService.StartAsync(original, linkedWal: true);
        var started = await service.ScalarAsync<DateTime>("SELECT pg_postmaster_start_time()");
        foreach (var (place, way) in new[] { (service.DataDirectory, $"--to {service.DataDirectory} --delta"), (service.WalDirectory, "let the link lead there") })
        {
            // Only pitr sees the disk; the server would not notice that it is there.
            using var disk = SmallDisk.Mount(place, "size=1m");
            service.Host.Through = disk.Enter;
            (await service.RestoreAsync("latest")).Must(8).MustSay($"{place} is a mount point", "nothing was touched", way);
            service.Host.Through = [];
        }

        Assert.Equal(started, await service.ScalarAsync<DateTime>("SELECT pg_postmaster_start_time()"));
        Assert.False(File.Exists(service.Journal));
    }

    static void RequireLinked(LiveService service)
    {
        Assert.Equal(service.WalDirectory, new DirectoryInfo(Path.Combine(service.DataDirectory, "pg_wal")).LinkTarget);
        Assert.NotEmpty(Directory.EnumerateFiles(service.WalDirectory));
    }
}
