using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Services;

/// <summary>Writes of which fewer than all repositories must hold the object: <c>required: N</c>.</summary>
public class RequiredRepositoriesTests
{
    const string Key = "services/main/wal/00000002.history";

    static readonly byte[] Bytes = [1, 2, 3];

    [Fact]
    public async Task A_slow_repository_is_owed_the_object_until_it_has_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var slow = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put));

        await WriteAsync(scenario, Laggards.LetRun);

        Assert.Equal(Bytes, await scenario.Stores[0].ReadAllAsync(Key, default));
        Assert.Equal([("r2", Key)], Debts(scenario));
        await slow.Reached;
        slow.Release();
        await Until(() => Debts(scenario).Length == 0);
        Assert.Equal(Bytes, await scenario.Stores[1].ReadAllAsync(Key, default));
    }

    [Fact]
    public async Task The_debt_is_on_disk_before_the_write_ends()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));

        await WriteAsync(scenario, Laggards.LetRun);

        Assert.True(File.Exists(Path.Combine(scenario["state"], "services", "main", "owed", "r2", Key)));
        await using var another = scenario.Open();
        Assert.Equal(["r2"], another.Repositories.Debts.Creditors());
    }

    [Fact]
    public async Task What_cannot_be_written_down_is_not_acknowledged()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));
        Directory.CreateDirectory(Path.Combine(scenario["state"], "services", "main"));
        await File.WriteAllTextAsync(Path.Combine(scenario["state"], "services", "main", "owed"), "not a directory");

        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => WriteAsync(scenario, Laggards.LetRun));
        Assert.Contains("could not be written down", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_repository_is_left_alone_for_a_while_and_then_tried_again()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put));
        await WriteAsync(scenario, Laggards.Await);

        await WriteAsync(scenario, Laggards.Await, "second");
        Assert.Equal([("r2", Key), ("r2", "second")], Debts(scenario));

        scenario.Clock.Advance(RepositoryHealth.Rest);
        await WriteAsync(scenario, Laggards.Await, "third");
        Assert.Equal([("r2", Key), ("r2", "second")], Debts(scenario));
        Assert.Equal([Key, "third"], scenario.Stores[1].Calls.Where(c => c.Operation == StoreOperation.Put && c.Key != "repository.json").Select(c => c.Key));
    }

    [Fact]
    public async Task Too_few_repositories_acknowledge_nothing_and_owe_nothing()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 3, required: 2);
        foreach (var failing in scenario.Stores.Skip(1))
        {
            failing.Inject(StoreFault.FailBefore(StoreOperation.Put));
        }

        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => WriteAsync(scenario, Laggards.LetRun));

        Assert.Contains("r2", error.Message, StringComparison.Ordinal);
        Assert.Contains("r3", error.Message, StringComparison.Ordinal);
        Assert.Empty(Debts(scenario));
        // When all are needed that are left, those that failed a moment ago are tried all the same.
        await WriteAsync(scenario, Laggards.Await, "another");
    }

    [Fact]
    public async Task Trouble_is_outvoted_but_a_refusal_is_not()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var held = scenario.Stores[0].Inject(StoreFault.Hold(StoreOperation.Put));

        var writing = scenario.Service.Repositories.WriteAsync(
            [Key],
            Laggards.LetRun,
            async (store, token) =>
            {
                if (store.Name == "r2")
                {
                    await held.Reached;
                    throw new ConflictException("r2 holds other content");
                }

                await store.PutAsync(Key, Bytes, PutMode.CreateNew, token);
            },
            default);

        await Assert.ThrowsAsync<ConflictException>(() => writing);
        Assert.Null(await scenario.Stores[0].StatAsync(Key, default));
        Assert.Empty(Debts(scenario));
    }

    [Fact]
    public async Task Cancelled_before_enough_hold_it_nothing_goes_on()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var held = scenario.Stores.Select(store => store.Inject(StoreFault.Hold(StoreOperation.Put))).ToArray();
        using var cancellation = new CancellationTokenSource();

        var writing = WriteAsync(scenario, Laggards.LetRun, cancellation: cancellation.Token);
        await Task.WhenAll(held.Select(h => h.Reached));
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        Assert.Empty(Debts(scenario));
        Assert.Null(await scenario.Stores[0].StatAsync(Key, default));
    }

    [Fact]
    public async Task Cancelled_afterwards_a_slow_repository_still_gets_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var slow = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put));
        using var cancellation = new CancellationTokenSource();
        await WriteAsync(scenario, Laggards.LetRun, cancellation: cancellation.Token);

        await cancellation.CancelAsync();
        slow.Release();

        await Until(() => Debts(scenario).Length == 0);
        Assert.NotNull(await scenario.Stores[1].StatAsync(Key, default));
    }

    [Fact]
    public async Task Content_that_is_used_again_is_waited_for()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var slow = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put));

        var writing = WriteAsync(scenario, Laggards.Await);
        await slow.Reached;
        Assert.False(writing.IsCompleted);
        slow.Release();
        await writing;

        Assert.Empty(Debts(scenario));
    }

    [Fact]
    public async Task A_repository_in_trouble_is_waited_for_only_a_moment()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1, skipsWaits: true);
        var stuck = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put));
        var repositories = scenario.Service.Repositories;

        var writing = WriteAsync(scenario, Laggards.Await);
        await stuck.Reached;
        repositories.HealthOf(scenario.Stores[1]).Fail("it stalls");
        await writing;

        Assert.Equal([("r2", Key)], Debts(scenario));
        Assert.Null(await scenario.Stores[1].StatAsync(Key, default));
    }

    [Fact]
    public async Task A_repository_that_lacks_what_comes_first_is_owed_what_comes_after_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var repositories = scenario.Service.Repositories;

        await repositories.WriteAsync([Key], Laggards.Await, PutAsync, default, isReady: store => store.Name == "r1");
        Assert.Equal([("r2", Key)], Debts(scenario));
        Assert.Null(await scenario.Stores[1].StatAsync(Key, default));

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => repositories.WriteAsync(["x"], Laggards.Await, PutAsync, default, isReady: _ => false));
    }

    static Task WriteAsync(Scenario scenario, Laggards laggards, string key = Key, CancellationToken cancellation = default) => scenario.Service.Repositories.WriteAsync(
        [key], laggards, (store, token) => store.PutAsync(key, Bytes, PutMode.CreateNew, token), cancellation);

    static Task PutAsync(IObjectStore store, CancellationToken token) => store.PutAsync(Key, Bytes, PutMode.CreateNew, token);

    static (string Repository, string Key)[] Debts(Scenario scenario)
    {
        var debts = scenario.Service.Repositories.Debts;
        return [.. debts.Creditors().SelectMany(name => debts.Owed(name).OrderByDescending(d => d.Key.Length).Select(d => (name, d.Key)))];
    }

    static async Task Until(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Yield();
        }
    }
}
