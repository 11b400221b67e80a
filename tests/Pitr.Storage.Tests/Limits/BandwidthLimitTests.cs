using Pitr.Storage.Limits;

namespace Pitr.Storage.Tests.Limits;

/// <summary>The rate, its fairness and its smoothness, by a clock that moves when told.</summary>
public sealed class BandwidthLimitTests
{
    const int Rate = 1_000_000;
    static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    readonly TestClock _clock = new(Start);

    double Elapsed => (_clock.GetUtcNow() - Start).TotalSeconds;

    [Theory]
    [InlineData(1, 5)]
    [InlineData(10, 100)]
    [InlineData(Rate, 10 * Rate)]
    [InlineData(1_000_000_000, 3_000_000_000)]
    public async Task Bytes_take_the_time_that_the_rate_says(long rate, long bytes)
    {
        var limit = new BandwidthLimit(rate, _clock);
        await RunAsync(TimeSpan.FromMilliseconds(10), limit.TakeAsync(bytes, CancellationToken.None).AsTask());
        var wanted = (double)bytes / rate;
        // The last slice may move when it is due, not when it is paid for.
        Assert.InRange(Elapsed, wanted - 1.02 * Math.Max(0.05, 1.0 / rate), wanted + 0.02);
    }

    [Fact]
    public async Task Many_small_takes_and_one_large_take_the_same_time()
    {
        var limit = new BandwidthLimit(Rate, _clock);
        await RunAsync(TimeSpan.FromMilliseconds(10), TakeInPiecesAsync(limit, pieces: 3000, bytes: 1000));
        Assert.InRange(Elapsed, 2.9, 3.05);
    }

    [Fact]
    public async Task No_second_sees_more_than_its_share()
    {
        var limit = new BandwidthLimit(Rate, _clock);
        // Nothing was moved for a long time: that does not add up.
        _clock.Advance(TimeSpan.FromHours(1));
        var began = limit.Taken;
        var taking = limit.TakeAsync(5 * Rate, CancellationToken.None).AsTask();
        for (var second = 0; second < 4; second++)
        {
            await AdvanceAsync(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(10), taking);
            Assert.InRange(limit.Taken - began, 0.9 * Rate, 1.35 * Rate);
            began = limit.Taken;
        }
    }

    [Fact]
    public async Task Those_who_take_at_the_same_time_take_turns()
    {
        var limit = new BandwidthLimit(Rate, _clock);
        var glutton = limit.TakeAsync(100 * Rate, CancellationToken.None).AsTask();
        var other = limit.TakeAsync(100 * Rate, CancellationToken.None).AsTask();
        var modest = TakeInPiecesAsync(limit, pieces: 10, bytes: limit.Slice);
        await RunAsync(TimeSpan.FromMilliseconds(10), modest, glutton, other);
        // Ten turns of three, and what had been saved up.
        Assert.InRange(limit.Taken / limit.Slice, 10, 45);
        Assert.False(glutton.IsCompleted || other.IsCompleted);
    }

    [Fact]
    public async Task Who_is_cancelled_gives_back_what_was_not_due()
    {
        var limit = new BandwidthLimit(Rate, _clock);
        await RunAsync(TimeSpan.FromMilliseconds(10), limit.TakeAsync(Rate, CancellationToken.None).AsTask());
        var before = limit.Taken;
        using var cancellation = new CancellationTokenSource();
        var cancelled = Enumerable.Range(0, 100).Select(_ => limit.TakeAsync(Rate, cancellation.Token).AsTask()).ToArray();
        await cancellation.CancelAsync();
        foreach (var task in cancelled)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        }

        Assert.InRange(limit.Taken - before, 0, 6 * limit.Slice);
        var began = Elapsed;
        await RunAsync(TimeSpan.FromMilliseconds(10), limit.TakeAsync(Rate, CancellationToken.None).AsTask());
        Assert.InRange(Elapsed - began, 0.7, 1.3);
    }

    [Fact]
    public async Task A_cancelled_token_takes_nothing()
    {
        var limit = new BandwidthLimit(Rate, _clock);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => limit.TakeAsync(1, new CancellationToken(canceled: true)).AsTask());
        Assert.Equal(0, limit.Taken);
    }

    [Fact]
    public async Task Synchronous_readers_wait_as_well()
    {
        var limit = new BandwidthLimit(Rate, _clock);
        await RunAsync(TimeSpan.FromMilliseconds(10), Task.Run(() => limit.Take(2 * Rate)));
        Assert.InRange(Elapsed, 1.9, 2.05);
        Assert.Equal(2 * Rate, limit.Taken);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_rate_is_positive(long rate) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BandwidthLimit(rate, _clock));

    static async Task TakeInPiecesAsync(BandwidthLimit limit, int pieces, int bytes)
    {
        for (var i = 0; i < pieces; i++)
        {
            await limit.TakeAsync(bytes, CancellationToken.None);
        }
    }

    /// <summary>Moves the clock on until the first task is done; in between, everyone comes to wait again.</summary>
    async Task RunAsync(TimeSpan step, params Task[] tasks)
    {
        while (!await SettleAsync(tasks))
        {
            _clock.Advance(step);
        }

        await tasks[0];
    }

    async Task AdvanceAsync(TimeSpan time, TimeSpan step, Task task)
    {
        for (var passed = TimeSpan.Zero; passed < time && !await SettleAsync([task]); passed += step)
        {
            _clock.Advance(step);
        }

        await SettleAsync([task]);
    }

    async Task<bool> SettleAsync(Task[] tasks)
    {
        while (!tasks[0].IsCompleted && _clock.Waiting < tasks.Count(task => !task.IsCompleted))
        {
            await Task.Yield();
        }

        return tasks[0].IsCompleted;
    }
}
