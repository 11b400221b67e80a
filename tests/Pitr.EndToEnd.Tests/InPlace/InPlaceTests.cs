using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>A running cluster is brought back to a moment where it is; what was there is kept, and can be removed at once.</summary>
[Collection(StoppedServiceCollection.Name)]
public sealed class InPlaceTests(StoppedService original)
{
    [Fact]
    public async Task A_running_cluster_goes_back_to_a_moment_where_it_is_and_the_old_one_is_kept()
    {
        await using var service = await LiveService.StartAsync(original);
        Assert.Equal(original.RowsNow, await service.ScalarAsync<string>(StoppedService.Rows));

        var plan = (await service.RestoreAsync("--target-time", original.Moment, "--dry-run")).Must().Output;
        Assert.Contains("stop the server: ", plan, StringComparison.Ordinal);
        Assert.Contains($"move {service.DataDirectory} to {service.DataDirectory}.before-", plan, StringComparison.Ordinal);
        Assert.Contains($"move {service.Space}/PG_15_", plan, StringComparison.Ordinal);
        Assert.Equal(original.RowsNow, await service.ScalarAsync<string>(StoppedService.Rows));
        Assert.Empty(service.Aside("before"));

        var done = (await service.RestoreAsync("--target-time", original.Moment, "--output", "json")).Must().Json;

        Assert.Equal("promoted", done.GetProperty("recovery").GetString());
        Assert.Equal(original.RowsThen, await service.ScalarAsync<string>(StoppedService.Rows));
        Assert.False(await service.ScalarAsync<bool>("SELECT pg_is_in_recovery()"));
        // It is the cluster, so it archives, on a timeline of its own.
        var segment = await service.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
        Assert.StartsWith("00000002", segment, StringComparison.Ordinal);
        await Eventually.IsTrueAsync(() => File.Exists(service.Host.WalPath(segment)), () => $"{segment} is archived; {service.Log}");

        var kept = done.GetProperty("kept").EnumerateArray().Select(k => k.GetString()!).Order(StringComparer.Ordinal);
        Assert.Equal(service.Aside("before"), kept);
        Assert.Equal(2, kept.Count());
        Assert.True(File.Exists(Path.Combine(kept.First(), "global/pg_control")));
        Assert.Empty(service.Aside("failed"));
        Assert.False(File.Exists(service.Journal));
        var record = (await service.Host.RunAsync("--output", "json", "audit", "main")).Must().Output;
        Assert.Contains("in-place", record, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Latest_after_a_crash_takes_along_what_was_not_archived_and_the_old_one_can_be_removed()
    {
        await using var service = await LiveService.StartAsync(original);
        // Nothing is archived from here on, and the server dies.
        var archived = service.Host.ConfigurationFile + ".away";
        File.Move(service.Host.ConfigurationFile, archived);
        await service.ExecuteAsync("INSERT INTO notes (note) VALUES ('unarchived')");
        var segment = await service.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
        var rows = await service.ScalarAsync<string>(StoppedService.Rows);
        await service.ExecuteAsync("INSERT INTO notes (note) VALUES ('lost')");
        var postmaster = int.Parse((await File.ReadAllLinesAsync(Path.Combine(service.DataDirectory, "postmaster.pid")))[0]);
        Processes.Kill(postmaster);
        await Eventually.IsTrueAsync(() => Processes.Find(service.DataDirectory).Count == 0, () => "the server is gone");
        File.Move(archived, service.Host.ConfigurationFile);
        Assert.False(File.Exists(service.Host.WalPath(segment)));

        var said = (await service.RestoreAsync("latest", "--remove-old")).Must().Output;

        Assert.Contains("not shut down cleanly", said, StringComparison.Ordinal);
        Assert.Equal(rows, await service.ScalarAsync<string>(StoppedService.Rows));
        Assert.Empty(service.Aside("before"));
        Assert.DoesNotContain("rm -rf", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pause_at_the_target_leaves_the_new_one_read_only_beside_the_old_one()
    {
        await using var service = await LiveService.StartAsync(original);

        (await service.RestoreAsync(original.Moment, "--target-action", "pause", "--remove-old")).Must(1).MustSay("--remove-old");
        (await service.RestoreAsync(original.Moment, "--target-action", "shutdown")).Must(1).MustSay("shutdown");
        Assert.Equal(original.RowsNow, await service.ScalarAsync<string>(StoppedService.Rows));

        var said = (await service.RestoreAsync(original.Moment, "--target-action", "pause")).Must().Output;

        Assert.Contains("paused", said, StringComparison.Ordinal);
        Assert.True(await service.ScalarAsync<bool>("SELECT pg_is_in_recovery()"));
        Assert.Equal(original.RowsThen, await service.ScalarAsync<string>(StoppedService.Rows));
        Assert.Equal(2, service.Aside("before").Count);
    }

    [Fact]
    public async Task What_cannot_be_done_in_place_is_refused_before_the_server_is_stopped()
    {
        await using var service = await LiveService.StartAsync(original);

        service.WriteConfiguration("server: { timeout: 30s }");
        (await service.RestoreAsync("latest")).Must(1).MustSay("services.main.server.stop-command", "start-command");
        service.WriteConfiguration();
        (await service.RestoreAsync("--to", service.DataDirectory)).Must(1).MustSay("--in-place and --to");
        (await service.RestoreAsync("--delta")).Must(1).MustSay("--in-place and --delta");
        (await service.Host.RunAsync("restore", "main", "--to", service.DataDirectory, "--remove-old")).Must(1).MustSay("belongs to --in-place");
        (await service.Host.RunAsync("restore", "main", "latest")).Must(2).MustSay("--to", "--in-place");
        (await service.RestoreAsync("--roll-back")).Must(8).MustSay("nothing to roll back");
        (await service.RestoreAsync("2020-01-01T00:00:00Z")).Must(8).MustSay("earliest possible");
        File.SetUnixFileMode(service.Parent, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        (await service.RestoreAsync("latest")).Must(8).MustSay(service.Parent, "may not be written");
        File.SetUnixFileMode(service.Parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Equal(original.RowsNow, await service.ScalarAsync<string>(StoppedService.Rows));

        // Another cluster's directory, though the configuration says otherwise.
        (await service.ServerAsync("stop")).Must();
        var control = Path.Combine(service.DataDirectory, "global/pg_control");
        var content = await File.ReadAllBytesAsync(control);
        File.Delete(control);
        (await service.RestoreAsync("latest", "--dry-run")).Must();
        await File.WriteAllBytesAsync(control, content);
        File.Delete(Path.Combine(service.DataDirectory, "PG_VERSION"));
        (await service.RestoreAsync("latest")).Must(8).MustSay("not a data directory");
    }

    [Fact]
    public async Task A_target_needs_no_option()
    {
        await using var service = await LiveService.StartAsync(original);
        var backup = (await service.Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0].GetProperty("backups")[0].GetProperty("id").GetString()!;
        foreach (var (target, reads) in new[] { ("latest", "latest"), ("immediate", "immediate"), (backup, "immediate"), (original.Moment, "time "), ("2026-11-21 03:15:00", "no time zone"), ("soon", "is not a target"), ("FF/0", "lsn FF/0") })
        {
            var run = await service.Host.RunAsync("restore", PitrHost.Service, target, "--to", Path.Combine(service.Parent, "new"), "--tablespace-map", $"{original.Space}={service.Parent}/new.space", "--dry-run");
            Assert.True((run.Output + run.Errors).Contains(reads, StringComparison.Ordinal), run.ToString());
        }

        (await service.Host.RunAsync("restore", "main", "latest", "--target", "latest", "--to", Path.Combine(service.Parent, "new"))).Must(1).MustSay("more than one target");
        (await service.Host.RunAsync("restore", "main", backup, "--backup", "20200101T000000Z", "--to", Path.Combine(service.Parent, "new"))).Must(1).MustSay(backup);
    }
}
