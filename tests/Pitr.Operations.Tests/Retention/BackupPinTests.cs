using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using static Pitr.Operations.Tests.Repositories.PlantedBackups;

namespace Pitr.Operations.Tests.Retention;

public class BackupPinTests
{
    [Fact]
    public async Task A_pinned_backup_stays_until_its_time_and_the_rest_of_its_entry_is_as_it_was()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 1));
            await PutAsync(store, Document(1, own: 1));
        }

        var before = RemovalWorld.EntriesIn(world.Store)[Entry(0)];
        var (entry, untold) = await SetAsync(world, 0, "audit", world.Clock.GetUtcNow().AddDays(1));
        Assert.Equal(("audit", 0), (entry.Pinned, untold.Count));
        Assert.All(world.Stores, store => Assert.Equal(before.ToJson(), (RemovalWorld.EntriesIn(store)[Entry(0)] with { Pinned = null, PinnedUntil = null }).ToJson()));
        Assert.Contains("audit", (await Assert.ThrowsAsync<RefusedInputException>(() => world.ExpireAsync(0))).Message, StringComparison.Ordinal);

        world.Clock.Advance(TimeSpan.FromDays(2));
        await world.ExpireAsync(0);
        Assert.All(world.Stores, store => Assert.Equal([Entry(1)], RemovalWorld.EntriesIn(store).Keys));
    }

    [Fact]
    public async Task One_pinned_copy_protects_all_and_a_repository_that_was_away_is_named()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2, required: 2);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 1));
            await PutAsync(store, Document(1, own: 1));
        }

        world.Stores[1].IsDown = true;
        Assert.Equal(["r2"], (await SetAsync(world, 0, "audit", null)).Untold.Keys);
        world.Stores[1].IsDown = false;
        Assert.True(await EquivalentObjects.AreAsync(world.Store, world.Stores[1], Entry(0), default));
        await Assert.ThrowsAsync<RefusedInputException>(() => world.ExpireAsync(0));

        Assert.Null((await SetAsync(world, 0, null, null)).Entry.Pinned);
        await world.ExpireAsync(0);
        Assert.All(world.Stores, store => Assert.Equal([Entry(1)], RemovalWorld.EntriesIn(store).Keys));
    }

    [Fact]
    public async Task What_is_no_backup_cannot_be_pinned()
    {
        await using var world = await RemovalWorld.StartAsync();
        await PutAsync(world.Store, Document(0, own: 1));
        Assert.Contains("has no backup", (await Assert.ThrowsAsync<RefusedInputException>(() => SetAsync(world, 5, "audit", null))).Message, StringComparison.Ordinal);
        world.Store.Failing = key => key == Entry(0);
        await Assert.ThrowsAnyAsync<Pitr.Storage.StorageException>(() => SetAsync(world, 0, "audit", null));
    }

    static async Task<(Pitr.Format.Catalog.ICatalogEntry Entry, IReadOnlyDictionary<string, string> Untold)> SetAsync(RemovalWorld world, int hour, string? reason, DateTimeOffset? until)
    {
        world.Fate.Begin();
        await using var service = world.Open();
        return await new BackupPin(service).SetAsync(Id(hour), reason, until, default);
    }
}
