using Pitr.Storage.S3;

namespace Pitr.Storage.Tests.S3;

public sealed class BufferBudgetTests
{
    static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Whoever_asks_for_too_much_waits_in_order()
    {
        var budget = new BufferBudget(10);
        var first = await budget.TakeAsync(6, None);
        var large = budget.TakeAsync(8, None);
        var small = budget.TakeAsync(1, None);
        // Room for one, but the large one came before.
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);
        first.Dispose();
        first.Dispose();
        (await large).Dispose();
        (await small).Dispose();
        (await budget.TakeAsync(1000, None)).Dispose();
    }

    [Fact]
    public async Task Whoever_gives_up_makes_room_for_the_next()
    {
        var budget = new BufferBudget(10);
        using var first = await budget.TakeAsync(6, None);
        using var cancellation = new CancellationTokenSource();
        var large = budget.TakeAsync(8, cancellation.Token);
        var small = budget.TakeAsync(4, None);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        (await small).Dispose();
    }

    [Fact]
    public void The_pool_keeps_buffers_but_never_more_than_its_limit()
    {
        var pool = new BufferPool(limit: 64 * 1024);
        var first = pool.Rent(10_000);
        Assert.Equal(16 * 1024, first.Length);
        pool.Return(first);
        Assert.Same(first, pool.Rent(16 * 1024));
        pool.Return(first);
        // Another size needs the room of the kept one.
        var large = pool.Rent(64 * 1024);
        pool.Return(large);
        Assert.NotSame(first, pool.Rent(16 * 1024));
        Assert.NotSame(large, pool.Rent(64 * 1024));
    }
}
