using Pitr.Format;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Services;

/// <summary>Reads from several repositories: which is asked first, when the next one is, and who must answer.</summary>
public class AskingRepositoriesTests
{
    const string Key = "keys/a.json";

    static readonly byte[] Bytes = [1, 2, 3];

    [Fact]
    public async Task The_next_is_asked_when_one_keeps_silent_and_the_silent_one_is_told_to_stop()
    {
        await using var scenario = await FilledAsync(2);
        var silent = scenario.Stores[0].Inject(StoreFault.Hold(StoreOperation.Read));

        var reading = scenario.Service.Repositories.TryReadAsync(Key, default);
        await silent.Reached;
        Assert.False(reading.IsCompleted);
        while (!reading.IsCompleted)
        {
            scenario.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        // It ends although the silent one was never released: it was cancelled.
        Assert.Equal(Bytes, await reading);
    }

    [Fact]
    public async Task An_authentic_copy_wins_over_a_damaged_one()
    {
        await using var scenario = await FilledAsync(3);

        var asked = await scenario.Service.Repositories.AskFirstAsync(
            (store, _) => store.Name == "r3" ? Task.FromResult("whole") : throw new DamagedObjectException($"{store.Name} is damaged"), default);

        Assert.True(asked.IsAnswered);
        Assert.Equal("whole", asked.Answer);
        Assert.Equal(["r1 is damaged", "r2 is damaged"], asked.Failures.Select(f => f.Message));
    }

    [Fact]
    public async Task An_answer_that_comes_second_is_disposed()
    {
        await using var scenario = await FilledAsync(2);
        var first = new Answer();
        var second = new Answer();
        var asking = new TaskCompletionSource();
        var finish = new TaskCompletionSource();

        var reading = scenario.Service.Repositories.AskFirstAsync(
            async (store, _) =>
            {
                if (store.Name == "r1")
                {
                    asking.SetResult();
                    await finish.Task;
                    return second;
                }

                finish.SetResult();
                return first;
            },
            default);
        await asking.Task;
        while (!reading.IsCompleted)
        {
            scenario.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        var winner = (await reading).Answer;
        Assert.Equal((false, true), (winner.IsDisposed, (winner == first ? second : first).IsDisposed));
    }

    [Fact]
    public async Task An_error_that_concerns_no_copy_is_nobodys_answer()
    {
        await using var scenario = await FilledAsync(2);

        await Assert.ThrowsAsync<InvalidOperationException>(() => scenario.Service.Repositories.AskFirstAsync<int>(
            (_, _) => throw new InvalidOperationException("a bug"), default));
    }

    [Fact]
    public async Task Who_fails_is_asked_last_and_who_is_fast_first()
    {
        await using var scenario = await FilledAsync(3);
        var repositories = scenario.Service.Repositories;
        repositories.HealthOf(scenario.Stores[0]).Succeed(TimeSpan.FromMilliseconds(90));
        repositories.HealthOf(scenario.Stores[1]).Fail("down");
        repositories.HealthOf(scenario.Stores[2]).Succeed(TimeSpan.FromMilliseconds(10));
        Assert.Equal(["r3", "r1", "r2"], repositories.InReadOrder.Select(s => s.Name));

        repositories.HealthOf(scenario.Stores[1]).Succeed();
        Assert.Equal(["r2", "r3", "r1"], repositories.InReadOrder.Select(s => s.Name));
    }

    [Fact]
    public async Task Operations_tell_how_a_repository_does()
    {
        await using var scenario = await FilledAsync(1);
        var store = scenario.Service.Repositories.Stores[0];
        var health = scenario.Service.Repositories.HealthOf(store);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Stat));

        await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, default));
        Assert.NotNull(health.Failing);
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => store.OpenReadAsync("absent", null, default));
        Assert.Null(health.Failing);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    public async Task With_n_of_three_required_four_minus_n_know_everything(int required, int mayFail)
    {
        for (var failing = 0; failing <= 3; failing++)
        {
            await using var scenario = await Scenario.StartAsync(repositories: 3, required: required);
            foreach (var store in scenario.Stores.Take(failing))
            {
                store.Inject(StoreFault.FailBefore(StoreOperation.Stat).Repeated(int.MaxValue));
            }

            var repositories = scenario.Service.Repositories;
            var asking = repositories.AskAllAsync((store, token) => store.StatAsync(Key, token), default);
            if (failing == 3)
            {
                await Assert.ThrowsAsync<StorageException>(() => asking);
                continue;
            }

            Assert.Equal(scenario.Stores.Skip(failing).Select(s => s.Name), (await asking).Select(a => a.Store.Name));
            Assert.Equal(failing, repositories.Unanswered.Count);
            if (failing < mayFail)
            {
                repositories.RequireComplete();
            }
            else
            {
                Assert.Matches("--repository .*r3", Assert.Throws<RepositoryUnavailableException>(repositories.RequireComplete).Hint);
            }
        }
    }

    [Fact]
    public async Task A_repository_that_failed_a_moment_ago_is_not_asked_again_before_it_has_rested()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Stat));
        var repositories = scenario.Service.Repositories;
        for (var question = 0; question < 3; question++)
        {
            Assert.Equal("r1", (await repositories.AskAllAsync((store, token) => store.StatAsync(Key, token), default)).Single().Store.Name);
        }

        Assert.Single(scenario.Stores[1].Calls, c => c.Operation == StoreOperation.Stat);
        scenario.Clock.Advance(RepositoryHealth.Rest);
        Assert.Equal(2, (await repositories.AskAllAsync((store, token) => store.StatAsync(Key, token), default)).Count);
        Assert.Empty(repositories.Unanswered);
    }

    [Fact]
    public async Task A_repository_in_trouble_keeps_an_answer_waiting_only_a_moment()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, skipsWaits: true);
        var stuck = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Stat));

        var asking = scenario.Service.Repositories.AskAllAsync((store, token) => store.StatAsync(Key, token), default);
        await stuck.Reached;
        scenario.Service.Repositories.HealthOf(scenario.Stores[1]).Fail("it stalls");

        Assert.Equal("r1", (await asking).Single().Store.Name);
        Assert.Equal("it stalls", scenario.Service.Repositories.Unanswered["r2"]);
    }

    static async Task<Scenario> FilledAsync(int repositories)
    {
        var scenario = await Scenario.StartAsync(repositories);
        foreach (var store in scenario.Stores)
        {
            await store.PutAsync(Key, Bytes, PutMode.CreateNew, default);
        }

        return scenario;
    }

    sealed class Answer : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
