using Pitr.Format.Wal;
using Pitr.Operations.Archive.Prefetch;
using Pitr.Operations.Services;
using Pitr.Storage.Testing;
using Serilog.Core;

namespace Pitr.Operations.Tests.Archive.Prefetch;

/// <summary>What was fetched ahead is for one run of one cluster, and only as long as it is what is stored.</summary>
public class StalePrefetchTests
{
    static string Name(ulong number) => PrefetchScenario.Name(number);

    [Fact]
    public async Task A_server_that_was_started_anew_gets_nothing_that_was_fetched_for_the_one_before()
    {
        await using var prefetch = await FetchedAsync();

        prefetch.Server.Start(Environment.ProcessId, at: 2);

        Assert.NotNull(await prefetch.AskAsync(Name(2)));
        Assert.Equal(2, prefetch.Questions(Name(2)));
    }

    [Fact]
    public async Task A_cluster_gets_no_segment_of_another_one_ahead()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 2);
        var other = new RecoveringDirectory(prefetch.Scenario["other"], systemIdentifier: WalSample.SystemIdentifier + 1);

        await prefetch.Get.GetAsync(WalFileName.Parse(Name(1)), other.Segment, default, default);

        await prefetch.UntilAsync(() => prefetch.Questions(Name(2)) == 1);
        Assert.Empty(prefetch.Spooled);
    }

    [Fact]
    public async Task What_the_repository_has_no_more_is_not_given_either()
    {
        await using var prefetch = await FetchedAsync();

        File.Delete(prefetch.Scenario.PathOf(prefetch.Scenario.KeyOf(Name(2))));
        prefetch.Scenario.Clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Null(await prefetch.AskAsync(Name(2)));
        Assert.Empty(prefetch.Spooled);
    }

    [Fact]
    public async Task What_the_repository_has_with_other_content_is_given_as_it_is_now()
    {
        await using var prefetch = await FetchedAsync();

        File.Delete(prefetch.Scenario.PathOf(prefetch.Scenario.KeyOf(Name(2))));
        var now = await prefetch.Scenario.PushSegmentAsync(Name(2), seed: 99);
        prefetch.Scenario.Clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(now, await prefetch.AskAsync(Name(2)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repository_that_is_down_by_now_does_not_take_away_what_was_fetched(bool hangs)
    {
        await using var prefetch = await FetchedAsync();
        prefetch.Scenario.Store.Inject((hangs ? StoreFault.Hold(StoreOperation.Read) : StoreFault.FailBefore(StoreOperation.Read)).Repeated(int.MaxValue));
        prefetch.Scenario.Clock.Advance(TimeSpan.FromSeconds(6));

        var asking = prefetch.AskAsync(Name(2));
        for (var i = 0; i < 15 && hangs && !asking.IsCompleted; i++)
        {
            // It has perhaps not begun to wait yet. A minute of silence would be the end of the recovery.
            await Task.WhenAny(asking, Task.Delay(1000));
            prefetch.Scenario.Clock.Advance(TimeSpan.FromSeconds(3));
        }

        Assert.Equal(File.ReadAllBytes(Path.Combine(prefetch.Scenario["pg_wal"], Name(2))), await asking.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_the_end_of_a_recovery_or_a_long_silence_nothing_is_left(bool ends)
    {
        await using var prefetch = await FetchedAsync();

        if (ends)
        {
            prefetch.Server.Promote();
        }

        for (var seconds = 0; prefetch.Get.Recoveries > 0; seconds += 2)
        {
            Assert.InRange(seconds, 0, ends ? 60 : 300);
            await prefetch.UntilAsync(() => prefetch.Scenario.Clock.Waiting > 0);
            prefetch.Scenario.Clock.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(20);
        }

        await prefetch.UntilAsync(() => prefetch.Spooled.Length == 0);
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not()
    {
        await using var prefetch = await FetchedAsync();
        var dead = Directory.CreateDirectory(Path.Combine(prefetch.SpoolRoot, "dead", "1")).FullName;
        File.WriteAllText(Path.Combine(dead, Name(7)), "what was fetched");

        Assert.Equal(1, PrefetchSpool.Sweep(prefetch.Scenario["state"], Logger.None));

        Assert.False(Directory.Exists(Path.Combine(prefetch.SpoolRoot, "dead")));
        Assert.Equal([Name(2)], prefetch.Spooled);
        Assert.NotNull(await prefetch.AskAsync(Name(2)));
        Assert.Equal(1, prefetch.Questions(Name(2)));
    }

    [Fact]
    public async Task What_a_killed_get_left_beside_its_destination_is_removed()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 1);
        var gone = prefetch.Server.Segment + ".pitr-999999999-1";
        var busy = $"{prefetch.Server.Segment}.pitr-{Environment.ProcessId}-2";
        var other = prefetch.Server["pg_wal/000000010000000000000001"];
        foreach (var path in new[] { gone, other })
        {
            File.WriteAllText(path, "part of a segment");
        }

        using var writing = File.Create(busy);

        await prefetch.AskAsync(Name(1));

        Assert.Equal([other, prefetch.Server.Segment, busy], Directory.GetFiles(prefetch.Server["pg_wal"]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_a_place_to_fetch_to_recovery_goes_on()
    {
        await using var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 3);
        File.WriteAllText(prefetch.SpoolRoot, "a file where the directory should be");

        for (var number = 1UL; number <= 3; number++)
        {
            Assert.NotNull(await prefetch.AskAsync(Name(number)));
        }

        File.Delete(prefetch.SpoolRoot);
    }

    [Fact]
    public async Task Files_that_somebody_removed_are_fetched_again()
    {
        await using var prefetch = await FetchedAsync();
        Directory.Delete(prefetch.SpoolRoot, recursive: true);

        Assert.NotNull(await prefetch.AskAsync(Name(2)));
        Assert.NotNull(await prefetch.AskAsync(Name(1)));
    }

    // Segment 1 was asked for, and 2 lies ready.
    static async Task<PrefetchScenario> FetchedAsync()
    {
        var prefetch = await PrefetchScenario.StartAsync();
        await prefetch.Scenario.PushRunAsync(1, 1, 2);
        Assert.NotNull(await prefetch.AskAsync(Name(1)));
        await prefetch.UntilAsync(() => prefetch.Spooled.SequenceEqual([Name(2)]));
        return prefetch;
    }
}
