using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.Testing;
using static Pitr.Operations.Tests.Agent.ReadySample;
using static Pitr.Operations.Tests.Eventually;

namespace Pitr.Operations.Tests.Agent;

/// <summary>What comes in between: files that are not asked for in order, slow and failing repositories, recycled segments.</summary>
public class PushAheadOrderTests
{
    [Fact]
    public async Task What_is_asked_for_does_not_wait_for_what_is_pushed_ahead()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 9);
        var held = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put).On(k => !k.EndsWith(Name(3), StringComparison.Ordinal) && !k.EndsWith(Name(9), StringComparison.Ordinal)).Repeated(4));
        // One processor and memory for one segment: all of it is taken by what is pushed ahead to a repository that does not answer.
        using var budget = new PushBudget(1, SealedWalFile.MemoryNeeded(1 << 20));
        await using var ahead = new PushAhead(scenario.Service, budget, 4);
        await ahead.PushAsync(paths[0], default);
        await held.Reached;

        await ahead.PushAsync(paths[6], default);

        Assert.Contains(Name(9), await SegmentsAsync(scenario));
        held.Release();
    }

    [Fact]
    public async Task A_segment_that_was_recycled_after_it_was_pushed_ahead_is_not_answered_from_memory()
    {
        await using var scenario = await Scenario.StartAsync();
        var paths = Ready(scenario, 3, 4);
        await using var ahead = new PushAhead(scenario.Service, new PushBudget(2, PushBudget.DefaultBytes), 2);
        await ahead.PushAsync(paths[0], default);
        await UntilAsync(async () => (await SegmentsAsync(scenario)).Count == 2);

        // The same size and the same time, as after a rename: only the file is another one.
        var written = File.GetLastWriteTimeUtc(paths[1]);
        var other = scenario.Write("recycled", WalSample.Segment(Name(4), seed: 77));
        File.SetLastWriteTimeUtc(other, written);
        File.Move(other, paths[1], overwrite: true);

        await Assert.ThrowsAsync<ConflictException>(() => ahead.PushAsync(paths[1], default));
    }

    [Fact]
    public async Task A_history_or_backup_history_in_between_costs_nothing_that_is_already_stored()
    {
        await using var scenario = await Scenario.StartAsync();
        var paths = Ready(scenario, 3, 6);
        await using var ahead = new PushAhead(scenario.Service, new PushBudget(2, PushBudget.DefaultBytes), 2);
        await ahead.PushAsync(paths[0], default);
        await UntilAsync(async () => (await SegmentsAsync(scenario)).Count == 4);

        await ahead.PushAsync(scenario.Write("00000002.history", WalSample.History((1, new Lsn(0x300000)))), default);
        await ahead.PushAsync(scenario.Write("000000010000000000000004.00000028.backup", WalSample.BackupHistory()), default);

        Assert.Equal(3, ahead.Count);
        var puts = scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));
        foreach (var path in paths[1..])
        {
            Assert.False((await ahead.PushAsync(path, default)).AlreadyStored);
        }

        Assert.False(puts.Reached.IsCompleted);
        Assert.Equal(0, ahead.Count);
    }

    [Fact]
    public async Task A_repository_that_is_down_is_not_tried_with_everything_that_waits()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 60);
        var attempts = 0;
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).On(_ => Interlocked.Increment(ref attempts) > 0).Repeated(int.MaxValue));
        await using var ahead = new PushAhead(scenario.Service, new PushBudget(2, PushBudget.DefaultBytes), 2);

        for (var round = 0; round < 5; round++)
        {
            await Assert.ThrowsAnyAsync<StorageException>(() => ahead.PushAsync(paths[0], default));
        }

        await UntilAsync(() => Task.FromResult(ahead.Count == 0));
        Assert.InRange(attempts, 5, 20);
    }

    [Fact]
    public async Task After_an_outage_it_looks_ahead_again()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var paths = Ready(scenario, 3, 6);
        await using var ahead = new PushAhead(scenario.Service, new PushBudget(2, PushBudget.DefaultBytes), 2);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(4));
        await UntilAsync(() => AskAsync(paths[0]));
        // What was begun ahead may fail just now. Then the next request begins it again, and PostgreSQL makes one for every segment.
        await UntilAsync(async () => await AskAsync(paths[1]) && (await SegmentsAsync(scenario)).Count == 5);

        async Task<bool> AskAsync(string path)
        {
            try
            {
                await ahead.PushAsync(path, default);
                return true;
            }
            catch (StorageException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_request_that_is_repeated_while_its_push_runs_waits_for_the_same_push()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync(Name(2));
        var path = Ready(scenario, 3, 3)[0];
        var slow = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put));
        await using var ahead = new PushAhead(scenario.Service, new PushBudget(2, PushBudget.DefaultBytes), 2);
        using var gone = new CancellationTokenSource();
        var asked = ahead.PushAsync(path, gone.Token);
        await slow.Reached;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);

        var again = ahead.PushAsync(path, default);
        Assert.Equal(1, ahead.Count);
        slow.Release();

        Assert.False((await again).AlreadyStored);
    }
}
