using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.Testing;
using static Pitr.Operations.Tests.Agent.ReadySample;
using static Pitr.Operations.Tests.Eventually;

namespace Pitr.Operations.Tests.Agent;

public class PushAheadTests
{
    [Fact]
    public async Task While_one_segment_is_asked_for_those_that_are_ready_after_it_are_pushed()
    {
        await using var scenario = await Scenario.StartAsync();
        var paths = Ready(scenario, 3, 8);
        await using var ahead = Ahead(scenario, 2);

        await ahead.PushAsync(paths[0], default);

        await UntilAsync(async () => (await SegmentsAsync(scenario)).Count == 6);
        foreach (var path in paths[1..])
        {
            Assert.False((await ahead.PushAsync(path, default)).AlreadyStored);
        }
    }

    [Fact]
    public async Task Only_segments_that_are_ready_and_come_later_are_taken()
    {
        await using var scenario = await Scenario.StartAsync();
        var paths = Ready(scenario, 3, 6);
        File.Delete(StatusOf(scenario, paths[2]));
        scenario.Write("00000002.history", WalSample.History((1, new Lsn(0x300000))));
        File.WriteAllText(StatusOf(scenario, "00000002.history"), "");
        File.WriteAllText(StatusOf(scenario, "000000010000000000000009"), "");
        var ahead = Ahead(scenario, 2);

        await ahead.PushAsync(paths[1], default);
        await UntilAsync(async () => (await SegmentsAsync(scenario)).Count == 2);
        await ahead.DisposeAsync();

        Assert.Equal([Name(4), Name(6)], await SegmentsAsync(scenario));
    }

    [Fact]
    public async Task Nothing_is_acknowledged_before_it_is_durable()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 4);
        var slow = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put).On(k => k.EndsWith(Name(4), StringComparison.Ordinal)));
        await using var ahead = Ahead(scenario, 2);

        await ahead.PushAsync(paths[0], default);
        await slow.Reached;
        var asked = ahead.PushAsync(paths[1], default);
        Assert.False(asked.IsCompleted);
        slow.Release();
        await asked;

        Assert.Contains(scenario.KeyOf(Name(4)), await scenario.KeysAsync(2));
    }

    [Fact]
    public async Task What_failed_ahead_is_tried_anew_when_it_is_asked_for()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 5);
        var failing = scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).On(k => k.EndsWith(Name(4), StringComparison.Ordinal)));
        await using var ahead = Ahead(scenario, 1);

        await ahead.PushAsync(paths[0], default);
        await failing.Reached;
        // The failure is forgotten before the segment behind it is begun by the only worker.
        await UntilAsync(async () => (await SegmentsAsync(scenario)).Contains(Name(5)));
        await ahead.PushAsync(paths[1], default);

        Assert.Contains(Name(4), await SegmentsAsync(scenario));
    }

    [Fact]
    public async Task A_segment_that_is_wrong_fails_when_it_is_asked_for_and_stops_no_other()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 6);
        File.WriteAllBytes(paths[1], WalSample.Segment(Name(4), systemIdentifier: 42));
        await using var ahead = Ahead(scenario, 2);

        await ahead.PushAsync(paths[0], default);
        await Assert.ThrowsAsync<ConflictException>(() => ahead.PushAsync(paths[1], default));
        await ahead.PushAsync(paths[2], default);
        await ahead.PushAsync(paths[3], default);

        Assert.Equal([Name(2), Name(3), Name(5), Name(6)], await SegmentsAsync(scenario));
    }

    [Fact]
    public async Task A_file_that_was_replaced_after_it_was_pushed_ahead_is_looked_at_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var paths = Ready(scenario, 3, 4);
        await using var ahead = Ahead(scenario, 2);
        await ahead.PushAsync(paths[0], default);
        await UntilAsync(async () => (await SegmentsAsync(scenario)).Count == 2);

        File.WriteAllBytes(paths[1], WalSample.Segment(Name(4), seed: 99));
        File.SetLastWriteTimeUtc(paths[1], new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        await Assert.ThrowsAsync<ConflictException>(() => ahead.PushAsync(paths[1], default));
    }

    [Fact]
    public async Task A_client_that_goes_away_does_not_stop_the_push_and_asks_again_with_success()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var path = Ready(scenario, 3, 3)[0];
        var slow = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put));
        await using var ahead = Ahead(scenario, 2);
        using var gone = new CancellationTokenSource();

        var asked = ahead.PushAsync(path, gone.Token);
        await slow.Reached;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        slow.Release();

        await ahead.PushAsync(path, default);
        Assert.Equal([Name(2), Name(3)], await SegmentsAsync(scenario));
    }

    [Fact]
    public async Task It_goes_on_looking_ahead_when_much_of_what_it_pushed_is_never_asked_for()
    {
        // PostgreSQL was answered by pitr itself in between: an agent that was slow, a restart.
        await using var scenario = await Scenario.StartAsync();
        await using var ahead = Ahead(scenario, 2);
        for (ulong number = 1; number < 200; number += 50)
        {
            var paths = Ready(scenario, number, number + 49);
            await ahead.PushAsync(paths[0], default);
            await UntilAsync(async () => (await SegmentsAsync(scenario)).Count >= (int)number + 49);
            foreach (var path in paths)
            {
                File.Delete(StatusOf(scenario, path));
                File.Delete(path);
            }
        }
    }

    [Fact]
    public async Task Stopping_abandons_what_hangs()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 4);
        var stuck = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put).Repeated(int.MaxValue));
        var ahead = Ahead(scenario, 2);
        var asked = ahead.PushAsync(paths[0], default);
        await stuck.Reached;

        await ahead.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        Assert.Equal([Name(2)], await SegmentsAsync(scenario));
    }

    static PushAhead Ahead(Scenario scenario, int parallel) => new(scenario.Service, new PushBudget(2, PushBudget.DefaultBytes), parallel);
}
