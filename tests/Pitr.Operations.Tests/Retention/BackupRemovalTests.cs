using System.Text.Json;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Repositories;
using Pitr.Storage;
using static Pitr.Operations.Tests.Repositories.PlantedBackups;

namespace Pitr.Operations.Tests.Retention;

public class BackupRemovalTests
{
    [Fact]
    public async Task A_backup_goes_with_what_only_it_needs_its_entry_first()
    {
        await using var world = await RemovalWorld.StartAsync();
        await PutAsync(world.Store, Document(0, own: 2));
        await PutAsync(world.Store, Document(1, own: 1, older: [Pack(0, 1)]));
        await PutAsync(world.Store, Document(2, own: 1));

        var first = (await world.ExpireAsync(0)).Repositories.Single();
        Assert.Equal([Entry(0), Manifest(0), Pack(0, 0)], Parts(world.Store.Deleted));
        Assert.Equal((1L, 1L, (long)(Content(Manifest(0)).Length + Content(Pack(0, 0)).Length)), (first.Manifests, first.Packs, first.Bytes));
        Assert.Equal([Id(0).ToString()], first.Backups);

        world.Store.Deleted.Clear();
        await world.ExpireAsync(1);
        Assert.Equal([Entry(1), Manifest(1), Pack(0, 1), Pack(1, 0)], Parts(world.Store.Deleted).Order(StringComparer.Ordinal));
        Assert.Equal(Entry(1), world.Store.Deleted.First(key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock));
        world.RequireNoGarbage("end");
        Assert.Contains(Entry(2), world.Store.Keys);
    }

    [Fact]
    public async Task A_dry_run_says_the_same_changes_nothing_and_needs_no_lease()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 2));
            await PutAsync(store, Document(1, own: 1, older: [Pack(0, 1)]));
        }

        RemovalReport planned;
        await using (var service = world.Open("elsewhere"))
        await using (await RepositoryLease.AcquireAsync(service, "backup", default))
        {
            var keys = world.Stores.SelectMany(store => store.Keys).ToArray();
            planned = await world.RemoveAsync(new NamedBackups([Id(0)]), dryRun: true);
            Assert.Equal(keys, world.Stores.SelectMany(store => store.Keys));
        }

        var done = await world.ExpireAsync(0);
        Assert.Equal(planned.Repositories.Select(Figures), done.Repositories.Select(Figures));
        Assert.Equal(1L, done.Repositories[1].Packs);
    }

    [Fact]
    public async Task Pinned_unknown_and_last_backups_stay()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2, required: 1);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 1, pinned: "before the migration"));
            await PutAsync(store, Document(1, own: 1));
        }

        await PutAsync(world.Store, Document(2, own: 1));
        await RefusedAsync("before the migration", 0);
        await RefusedAsync("before the migration", 1, 0);
        await RefusedAsync("has no backup", 7);
        await world.ExpireAsync(1);
        await world.Stores[1].PutAsync(Entry(0), Document(0, own: 1).ToJson(), PutMode.Replace, default);
        await world.Store.PutAsync(Entry(0), Document(0, own: 1).ToJson(), PutMode.Replace, default);
        // The first repository has a newer one, the second would be left with none.
        await RefusedAsync("repository r2", 0);
        await world.RemoveAsync(new NamedBackups([Id(0)]), force: true);
        await RefusedAsync("repository r1", 2);

        async Task RefusedAsync(string why, params int[] hours)
        {
            var keys = world.Stores.SelectMany(store => store.Keys).ToArray();
            var e = await Assert.ThrowsAsync<RefusedInputException>(() => world.ExpireAsync(hours));
            Assert.Contains(why, e.Message, StringComparison.Ordinal);
            Assert.Equal(keys, world.Stores.SelectMany(store => store.Keys));
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("other")]
    [InlineData("newer")]
    public async Task Nothing_goes_while_an_entry_makes_no_sense(string entry)
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 1));
            await PutAsync(store, Document(1, own: 1));
        }

        var json = entry switch
        {
            "other" => Document(3, own: 1).ToJson(),
            "newer" => (Document(2, own: 1) with { Format = 2 }).ToJson(),
            _ => "{}"u8.ToArray(),
        };
        await world.Stores[1].PutAsync(Entry(2), json, PutMode.CreateNew, default);
        await PutPartsAsync(world.Store, Document(4, own: 1));
        world.Clock.Advance(TimeSpan.FromDays(30));
        var keys = world.Stores.SelectMany(store => store.Keys).ToArray();
        var e = await Assert.ThrowsAnyAsync<Exception>(() => world.ExpireAsync(0));
        Assert.True(e is DamagedRepositoryException or Pitr.Format.UnsupportedFormatException, e.ToString());
        await Assert.ThrowsAnyAsync<Exception>(() => world.CollectAsync());
        Assert.Equal(keys, world.Stores.SelectMany(store => store.Keys));
    }

    [Fact]
    public async Task It_never_runs_beside_a_backup_on_this_host_or_another()
    {
        await using var world = await RemovalWorld.StartAsync();
        await PutAsync(world.Store, Document(0, own: 1));
        await PutAsync(world.Store, Document(1, own: 1));
        foreach (var state in new[] { "state", "elsewhere" })
        {
            await using var service = world.Open(state);
            await using var lease = await RepositoryLease.AcquireAsync(service, "backup", default);
            await Assert.ThrowsAsync<BusyException>(() => world.ExpireAsync(0));
            await Assert.ThrowsAsync<BusyException>(() => world.CollectAsync());
        }

        Assert.Contains(Entry(0), world.Store.Keys);
        await world.ExpireAsync(0);
        Assert.DoesNotContain(Entry(0), world.Store.Keys);
    }

    [Fact]
    public async Task An_entry_that_is_on_its_way_is_waited_for_and_comes_only_when_no_removal_runs()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2, required: 1, skipsWaits: true);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 1));
            await PutAsync(store, Document(1, own: 1));
        }

        await PutAsync(world.Store, Document(2, own: 1));
        world.Owe("r2", Entry(2));
        // For longer than a clock that jumps over waits can jump meanwhile; one that is renewed would lapse between two jumps.
        var lease = RepositoryLayout.Lock(Service, BackupRemoval.EntriesLease);
        var other = new LeaseDocument("another", "elsewhere", "elsewhere", 1, world.Clock.GetUtcNow() + TimeSpan.FromDays(3650));
        world.Stores.ToList().ForEach(store => store.Plant(lease, JsonSerializer.SerializeToUtf8Bytes(other, LeaseJson.Default.LeaseDocument)));
        Assert.Contains("entries", (await world.CatchUpAsync()).Single().Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(Entry(2), world.Stores[1].Keys);
        await Assert.ThrowsAsync<BusyException>(() => world.ExpireAsync(0));
        Assert.Contains(Entry(0), world.Store.Keys);
        foreach (var store in world.Stores)
        {
            await store.DeleteAsync(lease, default);
        }

        await world.ExpireAsync(0);
        Assert.Equal(0, (await world.CatchUpAsync()).Single().Left);
        Assert.Contains(Entry(2), world.Stores[1].Keys);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_that_slept_through_its_lease_removes_nothing_more(bool taken)
    {
        await using var world = await RemovalWorld.StartAsync();
        await PutAsync(world.Store, Document(0, own: 3));
        await PutAsync(world.Store, Document(1, own: 1));
        // It wakes between the entry and the packs.
        world.Store.Locked = key =>
        {
            if (key == Entry(0))
            {
                var other = new LeaseDocument("another", "elsewhere", "elsewhere", 1, world.Clock.GetUtcNow() + TimeSpan.FromMinutes(12));
                world.Store.Plant(RepositoryLayout.Lock(Service, "backup"), JsonSerializer.SerializeToUtf8Bytes(other, LeaseJson.Default.LeaseDocument));
                world.Store.Failing = failing => !taken && RepositoryKey.Parse(failing).Kind == RepositoryKeyKind.Lock;
                world.Clock.Advance(RepositoryLease.Lifetime);
            }

            return false;
        };
        await Assert.ThrowsAsync<BusyException>(() => world.ExpireAsync(0));
        Assert.DoesNotContain(Entry(0), world.Store.Keys);
        Assert.Equal(3, world.Store.Keys.Count(key => key.StartsWith(RepositoryLayout.PacksPrefix(Service, Id(0)), StringComparison.Ordinal)));
        world.Store.Locked = world.Store.Failing = static _ => false;
        await Assert.ThrowsAsync<BusyException>(() => world.CollectAsync());
        world.Clock.Advance(RepositoryLease.Lifetime);
        await world.CollectAsync();
        world.RequireNoGarbage("the next run");
    }

    [Fact]
    public async Task What_cannot_go_from_a_repository_that_is_away_goes_with_the_next_run()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 2));
            await PutAsync(store, Document(1, own: 1));
        }

        world.Stores[1].IsDown = true;
        var report = await world.ExpireAsync(0);
        Assert.True(report.IsUnfinished);
        Assert.Equal([Id(0).ToString()], report.Repositories[1].Pending);
        Assert.Contains("is down", report.Repositories[1].Reason, StringComparison.Ordinal);
        Assert.Equal([Entry(1)], RemovalWorld.EntriesIn(world.Store).Keys);
        world.RequireNoLie("one is away");

        world.Stores[1].IsDown = false;
        world.Clock.Advance(RepositoryHealth.Rest);
        var next = await world.CollectAsync();
        Assert.False(next.IsUnfinished);
        Assert.Equal([Id(0)], next.Backups.Select(backup => backup.Id));
        Assert.All(world.Stores, store => Assert.Equal([Entry(1)], RemovalWorld.EntriesIn(store).Keys));
        world.RequireNoGarbage("back");
        Assert.Empty((await world.CollectAsync()).Backups);
    }

    [Fact]
    public async Task Nothing_goes_when_those_that_answer_may_not_know_every_backup()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2, required: 1);
        await PutAsync(world.Store, Document(0, own: 1));
        await PutAsync(world.Store, Document(1, own: 1));
        world.Stores[1].IsDown = true;
        var e = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => world.ExpireAsync(0));
        Assert.Contains("--repository r1", e.Hint, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => world.RemoveAsync(new NamedBackups([Id(0)]), dryRun: true));
        Assert.Contains(Entry(0), world.Store.Keys);
    }

    [Fact]
    public async Task A_repository_that_refuses_keeps_its_backup_whole_and_the_others_are_freed()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2);
        foreach (var store in world.Stores)
        {
            await PutAsync(store, Document(0, own: 2));
            await PutAsync(store, Document(1, own: 1));
        }

        world.Stores[1].Locked = key => key.Contains(Id(0).ToString(), StringComparison.Ordinal);
        var report = await world.ExpireAsync(0);
        Assert.Equal((1, 2L, null), (report.Repositories[0].Backups.Count, report.Repositories[0].Packs, report.Repositories[0].Reason));
        Assert.Contains("is locked", report.Repositories[1].Reason, StringComparison.Ordinal);
        Assert.Equal([Entry(0), Entry(1)], RemovalWorld.EntriesIn(world.Stores[1]).Keys);
        world.RequireNoLie("refused");
    }

    [Fact]
    public async Task Collecting_leaves_what_is_young_named_elsewhere_or_unknown()
    {
        await using var world = await RemovalWorld.StartAsync(repositories: 2);
        await PutAsync(world.Store, Document(0, own: 1));
        await PutAsync(world.Stores[1], Document(0, own: 1));
        await PutAsync(world.Stores[1], Document(1, own: 1, older: [Pack(0, 0)]));
        await PutPartsAsync(world.Store, Document(1, own: 1));
        await PutPartsAsync(world.Store, Document(2, own: 2));
        string[] strange =
        [
            RepositoryLayout.AllPacksPrefix(Service) + "notes", RepositoryLayout.PacksPrefix(Service, Id(2)) + "1", RepositoryLayout.PacksPrefix(Service, Id(2)) + "0000001",
            RepositoryLayout.BackupPrefix(Service, Id(2)) + "manifest.old", RepositoryLayout.PacksPrefix(Service, Id(2)) + "000001/x",
        ];
        foreach (var key in strange)
        {
            await world.Store.PutAsync(key, new byte[1], PutMode.CreateNew, default);
        }

        world.Clock.Advance(TimeSpan.FromHours(25.9));
        // The moment that a pack was put counts as much as that of its backup.
        await world.Store.PutAsync(Pack(2, 7), new byte[1], PutMode.CreateNew, default);
        var young = (await world.CollectAsync()).Repositories[0];
        Assert.Equal((0L, 0L, 4L), (young.Manifests, young.Packs, young.Young));
        world.Clock.Advance(TimeSpan.FromHours(0.2));
        var report = (await world.CollectAsync()).Repositories[0];
        Assert.Equal((1L, 2L, 1L), (report.Manifests, report.Packs, report.Young));
        Assert.Equal(strange.Order(StringComparer.Ordinal), report.Unknown.Order(StringComparer.Ordinal));
        Assert.Empty(strange.Except(world.Store.Keys));
        // The backup of the other repository is on its way here.
        Assert.Contains(Pack(1, 0), world.Store.Keys);
        Assert.Contains(Manifest(1), world.Store.Keys);
    }

    [Fact]
    public async Task Stats_tell_live_from_dead_and_garbage()
    {
        await using var world = await RemovalWorld.StartAsync();
        await PutAsync(world.Store, Document(0, own: 2));
        await PutAsync(world.Store, Document(1, own: 1, older: [Pack(0, 0), Pack(0, 1)], used: 250));
        await PutAsync(world.Store, Document(2, own: 1, older: [Pack(0, 1)], used: 750));
        await PutPartsAsync(world.Store, Document(3, own: 1));
        long Size(string key) => Content(key).Length;
        var own = Size(Pack(1, 0)) + Size(Pack(2, 0));

        Assert.Equal((own + Size(Pack(0, 0)) + Size(Pack(0, 1)), 0L, 0L), ((await UsageAsync()).LiveBytes, (await UsageAsync()).DeadBytes, (await UsageAsync()).OlderBytes));
        await world.Store.DeleteAsync(Entry(0), default);
        var usage = await UsageAsync();
        var live = own + (Size(Pack(0, 0)) / 4) + (Size(Pack(0, 1)) * 3 / 4);
        Assert.Equal((2, own, Size(Pack(0, 0)) + Size(Pack(0, 1)), live), (usage.Backups, usage.OwnBytes, usage.OlderBytes, usage.LiveBytes));
        Assert.Equal(own + Size(Pack(0, 0)) + Size(Pack(0, 1)) - live, usage.DeadBytes);
        Assert.Equal((Size(Manifest(0)) + Size(Manifest(3)) + Size(Pack(3, 0)), 3L, 0L), (usage.GarbageBytes, usage.GarbageObjects, usage.MissingObjects));
        await world.Store.DeleteAsync(Pack(0, 1), default);
        Assert.Equal(1, (await UsageAsync()).MissingObjects);

        await world.Store.PutAsync(Entry(4), "{}"u8.ToArray(), PutMode.CreateNew, default);
        var stats = new RepositoryStats(world.Store);
        Assert.Contains(Entry(4), (await stats.MeasurePacksAsync(await stats.CountAsync(null, default), default)).Single().Reason, StringComparison.Ordinal);

        async Task<PackUsage> UsageAsync() => PackUsage.Of(await BackupHoldings.ReadAsync(world.Store, new CatalogPlace(Service, HasDumps: false), default), Service);
    }

    static string[] Parts(IEnumerable<string> keys) => [.. keys.Where(key => RepositoryKey.Parse(key).Kind != RepositoryKeyKind.Lock)];

    static (string, string, long, long, long, long) Figures(RepositoryRemovals r) => (r.Repository, string.Join(',', r.Backups), r.Manifests, r.Packs, r.Bytes, r.Young);
}
