using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Backup;

/// <summary>Repositories that fail at any moment of a backup.</summary>
public sealed class BackupFaultTests
{
    const string Path = "base/5/16384";

    [Theory]
    [InlineData(StoreOperation.Put)]
    [InlineData(StoreOperation.List)]
    [InlineData(StoreOperation.Stat)]
    public async Task A_repository_may_fail_at_every_operation_and_the_next_backup_is_right(StoreOperation operation)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 100);
        await cluster.TakeAsync(Open(scenario));
        var struck = true;
        var failures = 0;
        for (var n = 0; struck; n++)
        {
            cluster.Files[Path][n % 100] = cluster.Page();
            cluster.Fill("base/6/16384", 60);
            var fault = scenario.Stores[n % 2].Inject(StoreFault.FailBefore(operation, new StorageException("r", null, "gone", isTransient: false)).After(n).Repeated(int.MaxValue));
            var error = await Record.ExceptionAsync(() => cluster.TakeAsync(Open(scenario)));
            struck = fault.Reached.IsCompleted;
            failures += error is null ? 0 : 1;
            Assert.True(error is null or StorageException or OperationException, $"operation {n}: {error}");
            scenario.Stores[n % 2].Heal();

            var service = Open(scenario);
            await cluster.RequireSameAsync(scenario, service, await cluster.TakeAsync(service));
            await RequireCompleteAsync(scenario, service);
        }

        Assert.True(failures > 0, $"no {operation} failed a backup");
    }

    [Fact]
    public async Task Of_two_repositories_one_may_go_at_any_moment_if_one_is_required()
    {
        for (var packs = 0; packs < 6; packs += 2)
        {
            await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
            var cluster = new SyntheticCluster();
            cluster.Fill(Path, 200);
            await PutWalAsync(scenario, 0, 1);
            // The first backup is in one of them only, the second has to do without that one.
            var service = Open(scenario);
            var away = scenario.Stores[1];
            away.Inject(StoreFault.FailBefore(StoreOperation.Put, Gone(away)).On(key => key.Contains("/packs/", StringComparison.Ordinal)).After(packs).Repeated(int.MaxValue));
            var first = await cluster.TakeAsync(service);
            Assert.NotEmpty(service.Repositories.Debts.Owed(away.Name));
            away.Heal();
            foreach (var operation in new[] { StoreOperation.Put, StoreOperation.List, StoreOperation.Stat, StoreOperation.Read })
            {
                scenario.Stores[0].Inject(StoreFault.FailBefore(operation, Gone(scenario.Stores[0])).Repeated(int.MaxValue));
            }

            cluster.Files[Path][3] = cluster.Page();
            var second = await cluster.TakeAsync(Open(scenario));
            Assert.Null(second.Base);
            await cluster.RequireSameAsync(scenario, Open(scenario), second);

            scenario.Stores[0].Heal();
            using (var catchUp = new CatchUp(Open(scenario)))
            {
                Assert.All(await catchUp.RunAsync(default), result => Assert.True(result.Left == 0, result.Reason));
            }

            service = Open(scenario);
            await RequireCompleteAsync(scenario, service);
            var third = await cluster.TakeAsync(service);
            Assert.Equal(second.Id, third.Base);
            await cluster.RequireSameAsync(scenario, service, third);
            Assert.NotEqual(first.Id, third.Base);
        }
    }

    [Fact]
    public async Task What_is_interrupted_with_one_repository_away_is_gone_on_from_where_both_have_it_in_the_end()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 400);
        await PutWalAsync(scenario, 0, 1);
        var away = scenario.Stores[1];
        away.Inject(StoreFault.FailBefore(StoreOperation.Put, Gone(away)).On(key => key.Contains("/packs/", StringComparison.Ordinal)).After(2).Repeated(int.MaxValue));
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Put, Gone(scenario.Stores[0])).On(key => key.Contains("/packs/", StringComparison.Ordinal)).After(6).Repeated(int.MaxValue));
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.TakeAsync(Open(scenario)));
        away.Heal();
        scenario.Stores[0].Heal();

        var service = Open(scenario);
        var backup = await cluster.TakeAsync(service);

        Assert.NotEmpty(backup.Resumed);
        Assert.Contains(backup.OlderPacks, pack => service.Repositories.Debts.IsOwed(away.Name, pack.Key));
        Assert.False(await away.ExistsAsync(RepositoryLayout.Backup(service.Name, BackupId.Parse(backup.Id)), default));
        await cluster.RequireSameAsync(scenario, service, backup);
        using var catchUp = new CatchUp(service);
        Assert.All(await catchUp.RunAsync(default), result => Assert.True(result.Left == 0, result.Reason));
        await RequireCompleteAsync(scenario, service);
    }

    [Fact]
    public async Task A_pack_of_an_older_backup_that_somebody_removed_is_copied_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var service = Open(scenario);
        var cluster = new SyntheticCluster();
        cluster.Fill(Path, 200);
        var first = await cluster.TakeAsync(service);
        var removed = first.Packs[1].Key;
        // Between choosing the base and writing the entry.
        var manifest = scenario.Store.Inject(StoreFault.HoldAfter(StoreOperation.Put).On(key => key.EndsWith("/manifest", StringComparison.Ordinal)));
        var taking = cluster.TakeAsync(service);
        await manifest.Reached;
        File.Delete(scenario.PathOf(removed));
        manifest.Release();
        var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => taking);
        Assert.Contains(removed, error.Message, StringComparison.Ordinal);

        var second = await cluster.TakeAsync(service);

        Assert.DoesNotContain(second.OlderPacks, pack => pack.Key == removed);
        await cluster.RequireSameAsync(scenario, service, second);
    }

    static PostgresService Open(Scenario scenario) => BackupRoundTripTests.Open(scenario, 2, 1 << 17);

    static StorageException Gone(IObjectStore store) => new(store.Name, null, "gone", isTransient: false);

    // What a real backup would have waited for.
    static async Task PutWalAsync(Scenario scenario, params int[] repositories)
    {
        foreach (var repository in repositories)
        {
            await scenario.Stores[repository].PutAsync(scenario.KeyOf("000000010000000000000002"), new byte[] { 1 }, PutMode.CreateNew, default);
        }
    }

    // No entry names what its repository lacks.
    static async Task RequireCompleteAsync(Scenario scenario, PostgresService service)
    {
        foreach (var store in scenario.Stores)
        {
            await foreach (var item in store.ListAsync(RepositoryLayout.BackupsPrefix(service.Name), ListMode.Recursive, default))
            {
                if (item.Key.EndsWith("/backup.json", StringComparison.Ordinal))
                {
                    Assert.Empty(await BackupObjects.MissingAsync(store, BackupDocument.Parse(await store.ReadAllAsync(item.Key, default)), default));
                }
            }
        }
    }
}
