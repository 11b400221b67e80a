using Pitr.Operations.Archive;

namespace Pitr.Operations.Tests.Archive;

public class PushBudgetTests
{
    const long Need = 10;

    [Fact]
    public async Task Processors_and_memory_are_given_in_the_order_of_coming()
    {
        using var budget = new PushBudget(processors: 2, bytes: 30);
        using var first = await budget.EnterAsync(Need, new PushPriority(), default);
        var second = await budget.EnterAsync(Need, new PushPriority(), default);
        var third = budget.EnterAsync(Need, new PushPriority(), default);
        var fourth = budget.EnterAsync(Need, new PushPriority(), default);
        Assert.False(third.IsCompleted);

        second.Keep(2);

        using var admitted = await third;
        Assert.False(fourth.IsCompleted);
        Assert.Equal(22, budget.Used);
        second.Dispose();
        admitted.Dispose();
        using var last = await fourth;
    }

    [Fact]
    public async Task What_is_kept_for_slow_repositories_counts_until_it_is_given_back()
    {
        using var budget = new PushBudget(processors: 2, bytes: 15);
        var sealedOne = await budget.EnterAsync(Need, new PushPriority(), default);
        sealedOne.Keep(8);
        var next = budget.EnterAsync(Need, new PushPriority(), default);
        Assert.False(next.IsCompleted);

        sealedOne.Dispose();

        (await next).Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public async Task Who_is_waited_for_goes_first_even_when_all_is_given_away()
    {
        using var budget = new PushBudget(processors: 1, bytes: Need);
        using var ahead = await budget.EnterAsync(Need, new PushPriority(), default);
        var behind = budget.EnterAsync(Need, new PushPriority(), default);
        var urgent = new PushPriority();
        urgent.Raise();

        using var share = await budget.EnterAsync(Need, urgent, default);

        Assert.False(behind.IsCompleted);
    }

    [Fact]
    public async Task Who_begins_to_be_waited_for_overtakes()
    {
        using var budget = new PushBudget(processors: 1, bytes: 100);
        using var ahead = await budget.EnterAsync(Need, new PushPriority(), default);
        var before = budget.EnterAsync(Need, new PushPriority(), default);
        var priority = new PushPriority();
        var asked = budget.EnterAsync(Need, priority, default);

        Assert.True(priority.Raise());
        budget.Reconsider();

        using var share = await asked;
        Assert.False(before.IsCompleted);
        Assert.False(priority.Raise());
    }

    [Fact]
    public async Task A_segment_larger_than_the_budget_is_pushed_when_it_is_waited_for_and_holds_nobody_up_until_then()
    {
        using var budget = new PushBudget(processors: 4, bytes: 15);
        var small = await budget.EnterAsync(Need, new PushPriority(), default);
        var priority = new PushPriority();
        var large = budget.EnterAsync(1000, priority, default);
        var behind = budget.EnterAsync(Need, new PushPriority(), default);
        small.Dispose();
        (await behind).Dispose();
        // Nobody else works, and nobody waits for it.
        Assert.Equal((false, 0), (large.IsCompleted, budget.Used));

        Assert.True(priority.Raise());
        budget.Reconsider();

        using var alone = await large;
        Assert.False(budget.EnterAsync(Need, new PushPriority(), default).IsCompleted);
    }

    [Fact]
    public void The_memory_of_one_object_is_used_again_until_it_is_idle()
    {
        using var budget = new PushBudget(processors: 1, bytes: 15);
        var memory = budget.RentObject(1000);
        Assert.NotSame(memory, budget.RentObject(1000));
        budget.ReturnObject(memory);
        Assert.Same(memory, budget.RentObject(999));
        budget.ReturnObject(memory);
        Assert.NotSame(memory, budget.RentObject(1001));
        budget.ReturnObject(memory);

        budget.ReleaseIdle();

        Assert.NotSame(memory, budget.RentObject(1000));
    }

    [Fact]
    public async Task Who_gives_up_waiting_holds_nobody_up()
    {
        using var budget = new PushBudget(processors: 2, bytes: 20);
        using var one = await budget.EnterAsync(Need, new PushPriority(), default);
        using var gone = new CancellationTokenSource();
        var large = budget.EnterAsync(2 * Need, new PushPriority(), gone.Token);
        var behind = budget.EnterAsync(Need, new PushPriority(), default);

        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        (await behind).Dispose();
    }

    [Fact]
    public void Buffers_are_used_again_and_given_back_when_idle()
    {
        using var budget = new PushBudget(processors: 1, bytes: 1 << 20);
        var buffer = budget.Rent(1000);
        buffer.Span.Fill(7);
        budget.Return(buffer);
        Assert.Same(buffer, budget.Rent(1000));
        budget.Return(buffer);
        Assert.NotSame(buffer, budget.Rent(1001));

        budget.ReleaseIdle();

        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        // One that the budget has no room for is not kept either.
        var huge = budget.Rent(2 << 20);
        budget.Return(huge);
        Assert.Throws<ObjectDisposedException>(() => huge.Span.Length);
    }
}
