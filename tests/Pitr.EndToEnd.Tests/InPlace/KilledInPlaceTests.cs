using System.Diagnostics;
using Pitr.EndToEnd.Tests.Backups;
using Pitr.EndToEnd.Tests.Programs;
using Xunit.Abstractions;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>
/// kill -9 of restores in place at moments of their whole course, and then either way on: at any time the old cluster is whole in one place, and in the end one of
/// both runs. PITR_TEST_IN_PLACE_KILLS says how often; PITR_TEST_SEED repeats a run's choices.
/// </summary>
[Collection(StoppedServiceCollection.Name)]
public sealed class KilledInPlaceTests(StoppedService original, ITestOutputHelper output)
{
    readonly Random _random = new(TestEnvironment.Seed);

    [Fact]
    public async Task A_killed_restore_in_place_loses_neither_cluster_and_can_be_gone_on_with_or_rolled_back()
    {
        output.WriteLine($"PITR_TEST_SEED={TestEnvironment.Seed}");
        await using var service = await LiveService.StartAsync(original, linkedWal: true);
        // Later rounds leave newer timelines behind.
        string[] arguments = [original.Moment, "--target-timeline", "1"];
        var watch = Stopwatch.StartNew();
        (await service.RestoreAsync(arguments)).Must();
        var course = (int)watch.ElapsedMilliseconds;
        for (var round = 0; round < TestEnvironment.InPlaceKills; round++)
        {
            RemoveAside(service);
            await service.ExecuteAsync($"INSERT INTO notes (note) VALUES ('{round}'); INSERT INTO there (note) VALUES ('{round}')");
            var old = await service.ScalarAsync<string>(StoppedService.Rows);
            await KillAsync(service, arguments, _random.Next(course));
            RequireOldWhole(service);
            await RequireEndAsync(service, arguments, round, old);
        }
    }

    static async Task KillAsync(LiveService service, string[] arguments, int milliseconds)
    {
        using var running = service.Start(arguments);
        var watch = Stopwatch.StartNew();
        while (!running.HasExited && watch.ElapsedMilliseconds < milliseconds)
        {
            await Task.Delay(1);
        }

        await running.KillAsync();
        // Whoever comes next is later than the commands that the killed one had started.
        await Eventually.IsTrueAsync(() => Processes.Find("pg_ctl", service.DataDirectory).Count == 0, () => "pg_ctl has ended");
    }

    // In its place or aside: the data directory with its control file and no mark of a restore, and the tablespace's directory likewise.
    static void RequireOldWhole(LiveService service)
    {
        var aside = service.Aside("before");
        var (data, space, wal) = (Of(service.DataDirectory), Of(service.Space), Of(service.WalDirectory));
        Assert.True(File.Exists(Path.Combine(data ?? service.DataDirectory, "global/pg_control")));
        Assert.False(RestoredTree.IsMarked(data ?? service.DataDirectory));
        Assert.True(space is not null || Directory.EnumerateDirectories(service.Space, "PG_15_*").Any());
        Assert.NotEmpty(Directory.EnumerateFiles(wal ?? service.WalDirectory));

        string? Of(string place) => aside.FirstOrDefault(d => d.StartsWith(place, StringComparison.Ordinal));
    }

    async Task RequireEndAsync(LiveService service, string[] arguments, int round, string old)
    {
        var journal = File.Exists(service.Journal) ? await File.ReadAllTextAsync(service.Journal) : null;
        var phase = journal is null ? "no" : System.Text.Json.JsonDocument.Parse(journal).RootElement.GetProperty("phase").GetString();
        if (journal is null)
        {
            Assert.Contains(await service.ScalarAsync<string>(StoppedService.Rows), new[] { old, original.RowsThen });
        }
        else
        {
            (await service.Host.RunAsync("restore", "main", "latest", "--to", service.DataDirectory)).Must(8).MustSay("interrupted", "--roll-back");
            (await service.RestoreAsync("immediate")).Must(8).MustSay("interrupted", "--roll-back");
            var goesOn = _random.Next(2) == 0;
            (await service.RestoreAsync(goesOn ? arguments : ["--roll-back"])).Must();
            Assert.Equal(goesOn ? original.RowsThen : old, await service.ScalarAsync<string>(StoppedService.Rows));
            output.WriteLine($"round {round}: {phase}, {(goesOn ? "gone on with" : "rolled back")}");
        }

        // A journal that was being written is none, and goes with the next one.
        Assert.DoesNotContain(Directory.EnumerateFiles(service.Parent, "*.pitr-*"), file => !file.EndsWith(".tmp", StringComparison.Ordinal) && file != service.KeptJournal);
        Assert.Equal(service.WalDirectory, new DirectoryInfo(Path.Combine(service.DataDirectory, "pg_wal")).LinkTarget);
        Assert.False(RestoredTree.IsMarked(service.Space));
        Assert.False(await service.ScalarAsync<bool>("SELECT pg_is_in_recovery()"));
    }

    static void RemoveAside(LiveService service)
    {
        File.Delete(service.KeptJournal);
        foreach (var directory in service.Aside("before").Concat(service.Aside("failed")))
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
