using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;
using static Pitr.Operations.Tests.Eventually;

namespace Pitr.Operations.Tests.Services;

public class RepositoryLeaseTests
{
    static readonly string Key = RepositoryLayout.Lock(ServiceName.Parse(Scenario.ServiceName), "backup");

    [Fact]
    public async Task It_is_in_every_repository_while_held_and_gone_afterwards()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);

        await using (await RepositoryLease.AcquireAsync(scenario.Service, "backup", default))
        {
            Assert.Contains(Key, await scenario.KeysAsync(1));
            Assert.Contains(Key, await scenario.KeysAsync(2));
        }

        Assert.DoesNotContain(Key, await scenario.KeysAsync(1));
        Assert.DoesNotContain(Key, await scenario.KeysAsync(2));
    }

    [Fact]
    public async Task On_one_host_the_second_is_refused_until_the_first_ends()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var other = scenario.Open();

        await using (await RepositoryLease.AcquireAsync(scenario.Service, "backup", default))
        {
            await Assert.ThrowsAsync<BusyException>(() => RepositoryLease.AcquireAsync(other, "backup", default));
            await using var anotherName = await RepositoryLease.AcquireAsync(other, "expire", default);
        }

        await using var now = await RepositoryLease.AcquireAsync(other, "backup", default);
    }

    [Fact]
    public async Task Another_hosts_lease_is_honoured_until_it_expires()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await PutAsync(scenario, 2, "elsewhere", Scenario.Start + TimeSpan.FromMinutes(10));

        var busy = await Assert.ThrowsAsync<BusyException>(() => RepositoryLease.AcquireAsync(scenario.Service, "backup", default));
        Assert.Contains("elsewhere", busy.Message, StringComparison.Ordinal);
        Assert.Contains("4242", busy.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, await scenario.KeysAsync(1));

        scenario.Clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<BusyException>(() => RepositoryLease.AcquireAsync(scenario.Service, "backup", default));
        scenario.Clock.Advance(TimeSpan.FromSeconds(1));
        await using var taken = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
    }

    [Fact]
    public async Task A_lease_this_host_left_behind_is_taken_over_at_once()
    {
        await using var scenario = await Scenario.StartAsync();
        string left;
        await using (await RepositoryLease.AcquireAsync(scenario.Service, "backup", default))
        {
            left = await ReadAsync(scenario);
        }

        // As a process that was killed leaves it.
        await scenario.Store.PutAsync(Key, System.Text.Encoding.UTF8.GetBytes(left), PutMode.CreateNew, default);
        await using var restarted = scenario.Open();

        await using var taken = await RepositoryLease.AcquireAsync(restarted, "backup", default);

        Assert.NotEqual(left, await ReadAsync(scenario));
    }

    [Fact]
    public async Task A_host_of_the_same_name_is_another_host()
    {
        await using var scenario = await Scenario.StartAsync();
        await PutAsync(scenario, 1, Environment.MachineName, Scenario.Start + TimeSpan.FromMinutes(10));

        await Assert.ThrowsAsync<BusyException>(() => RepositoryLease.AcquireAsync(scenario.Service, "backup", default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    public async Task An_unreadable_lease_is_taken_over(string content)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Store.PutAsync(Key, System.Text.Encoding.UTF8.GetBytes(content), PutMode.Replace, default);

        await using var taken = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
    }

    [Fact]
    public async Task It_is_renewed_as_long_as_it_is_held()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var lease = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);

        for (var round = 0; round < 10; round++)
        {
            await RenewAsync(scenario);
        }

        // Twenty minutes later another host still finds a lease that has not expired.
        Assert.Contains(Text(Scenario.Start + TimeSpan.FromMinutes(30)), await ReadAsync(scenario), StringComparison.Ordinal);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_failed_renewal_is_made_up_for_by_the_next()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var lease = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
        var fault = scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put));

        scenario.Clock.Advance(TimeSpan.FromMinutes(2));
        await fault.Reached;
        await UntilAsync(() => scenario.Clock.Waiting == 1);
        await RenewAsync(scenario);

        Assert.Contains(Text(Scenario.Start + TimeSpan.FromMinutes(14)), await ReadAsync(scenario), StringComparison.Ordinal);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lease_that_another_host_took_over_is_noticed_and_left_to_it()
    {
        await using var scenario = await Scenario.StartAsync();
        var lease = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
        var lost = new TaskCompletionSource();
        lease.Lost.Register(lost.SetResult);
        await PutAsync(scenario, 1, "elsewhere", Scenario.Start + TimeSpan.FromMinutes(20));

        scenario.Clock.Advance(TimeSpan.FromMinutes(2));
        await lost.Task;
        await lease.DisposeAsync();

        Assert.Contains("elsewhere", await ReadAsync(scenario), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Giving_back_does_not_take_away_what_another_host_holds_by_now()
    {
        await using var scenario = await Scenario.StartAsync();
        var lease = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
        await PutAsync(scenario, 1, "elsewhere", Scenario.Start + TimeSpan.FromMinutes(20));

        await lease.DisposeAsync();

        Assert.Contains("elsewhere", await ReadAsync(scenario), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_it_cannot_be_taken_everywhere_nothing_stays_taken()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put));

        await Assert.ThrowsAsync<StorageException>(() => RepositoryLease.AcquireAsync(scenario.Service, "backup", default));

        Assert.DoesNotContain(Key, await scenario.KeysAsync(1));
        await using var free = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
    }

    [Fact]
    public async Task A_lease_that_could_not_be_given_back_does_not_fail_the_work()
    {
        await using var scenario = await Scenario.StartAsync();
        var lease = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Delete));

        await lease.DisposeAsync();

        await using var again = await RepositoryLease.AcquireAsync(scenario.Service, "backup", default);
    }

    static async Task RenewAsync(Scenario scenario)
    {
        var puts = scenario.Store.Calls.Count(c => c.Operation == StoreOperation.Put);
        scenario.Clock.Advance(TimeSpan.FromMinutes(2));
        await UntilAsync(() => scenario.Store.Calls.Count(c => c.Operation == StoreOperation.Put) > puts && scenario.Clock.Waiting == 1);
    }

    static async Task<string> ReadAsync(Scenario scenario) => System.Text.Encoding.UTF8.GetString(await scenario.Store.ReadAllAsync(Key, default));

    static Task PutAsync(Scenario scenario, int repository, string host, DateTimeOffset expires) => scenario.Stores[repository - 1].PutAsync(
        Key,
        System.Text.Encoding.UTF8.GetBytes($"{{\"owner\":\"other\",\"host-id\":\"other\",\"host\":\"{host}\",\"process\":4242,\"expires\":\"{Text(expires)}\"}}"),
        PutMode.Replace,
        default);

    static string Text(DateTimeOffset moment) => moment.ToString("yyyy-MM-dd'T'HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture) + "+00:00";
}
