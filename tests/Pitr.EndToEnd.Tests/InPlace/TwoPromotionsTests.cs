using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>A cluster that was brought back in place twice has three timelines: what was given up on the way can still be had, and is named.</summary>
[Collection(StoppedServiceCollection.Name)]
public sealed class TwoPromotionsTests(StoppedService original)
{
    [Fact]
    public async Task After_two_promotions_every_branch_can_be_reached()
    {
        await using var service = await LiveService.StartAsync(original);
        var onFirst = await WorkAsync(service, "first", 300);
        (await service.RestoreAsync(original.Moment)).Must();
        var onSecond = await WorkAsync(service, "second", 100);
        // To before the last of what was done on the second.
        (await service.RestoreAsync("--target-time", onSecond.Moment)).Must();
        Assert.Equal(onSecond.Rows, await service.ScalarAsync<string>(StoppedService.Rows));
        var onThird = await WorkAsync(service, "third", 20);

        var plan = (await PlanAsync(service, "--target-time", onFirst.Moment)).Must();
        Assert.Equal([1, 2, 3], plan.Json.GetProperty("timelines").EnumerateArray().Select(t => t.GetInt32()));
        Assert.Contains("--target-timeline 1 has them", Assert.Single(plan.Json.GetProperty("notes").EnumerateArray()).GetString(), StringComparison.Ordinal);
        (await PlanAsync(service, "--target-xid", onFirst.Transaction)).Must(8).MustSay("on timeline 1 it is possible: --target-timeline 1");
        (await PlanAsync(service, "--target-timeline", "9")).Must(8).MustSay("archived timelines: 1, 2, 3");

        await RequireRowsAsync(service, onFirst.Rows, "--target-time", onFirst.Moment, "--target-timeline", "1");
        await RequireRowsAsync(service, onSecond.RowsAtEnd, "--target-xid", onSecond.Transaction, "--target-timeline", "2");
        await RequireRowsAsync(service, onThird.Rows, "--target-time", onThird.Moment);
    }

    // A row, a moment, another row; all of it archived.
    static async Task<(string Rows, string Moment, string RowsAtEnd, string Transaction)> WorkAsync(LiveService service, string name, int ahead)
    {
        await service.ExecuteAsync($"INSERT INTO notes (note) VALUES ('{name}')");
        var rows = await service.ScalarAsync<string>(StoppedService.Rows);
        var moment = await service.ScalarAsync<string>("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        // Ids go on from where a timeline was left; so that each branch has some that no other has, they go ahead by different steps.
        await service.ExecuteAsync(string.Concat(Enumerable.Repeat("SELECT pg_current_xact_id(); COMMIT;", ahead)));
        var transaction = await service.ScalarAsync<string>($"WITH i AS (INSERT INTO notes (note) VALUES ('{name} again') RETURNING id) SELECT pg_current_xact_id()::text FROM i");
        var end = await service.ScalarAsync<string>(StoppedService.Rows);
        var segment = await service.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
        await Eventually.IsTrueAsync(() => File.Exists(service.Host.WalPath(segment)), () => $"{segment} is archived; {service.Log}");
        return (rows, moment, end, transaction);
    }

    static Task<ProgramRun> PlanAsync(LiveService service, params string[] arguments) =>
        service.Host.RunAsync(["--output", "json", .. Arguments(service, "plan", arguments), "--dry-run"]);

    static async Task RequireRowsAsync(LiveService service, string rows, params string[] arguments)
    {
        var to = Path.Combine(service.Parent, "copy");
        await using var copy = await RestoredCluster.StartAsync(service.Host, to, Arguments(service, "copy", arguments)[4..]);
        Assert.Equal(rows, await copy.ScalarAsync<string>(StoppedService.Rows));
        Directory.Delete(to + ".space", recursive: true);
    }

    static string[] Arguments(LiveService service, string name, string[] arguments)
    {
        var to = Path.Combine(service.Parent, name);
        return ["restore", PitrHost.Service, "--to", to, .. arguments, .. Map(service, to)];
    }

    // The backup knows the original's directory; segments may lie under either name.
    static string[] Map(LiveService service, string to)
    {
        var oid = Path.GetFileName(Directory.EnumerateFileSystemEntries(Path.Combine(service.DataDirectory, "pg_tblspc")).Single());
        return ["--tablespace-map", $"{oid}={to}.space"];
    }
}
