using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;
using static Pitr.Operations.Tests.Repositories.PlantedBackups;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>A backup needs packs that older ones wrote, also when those are no more.</summary>
public class OlderPacksTests
{
    [Theory]
    [InlineData("identity")]
    [InlineData(null)]
    public async Task A_copied_backup_brings_the_older_packs_it_needs_before_its_entry(string? identity)
    {
        await using var scenario = await CopyScenario.StartAsync();
        var newer = await UseOlderAsync(scenario);
        var report = await scenario.CopyAsync(OnlyNewer(newer), identity);
        Assert.Empty(report.Failures);
        Assert.Equal([$"main/{newer.Id}"], report.Backups);
        var puts = scenario.To.Calls.Where(call => call.Operation == StoreOperation.Put).Select(call => call.Key).ToList();
        Assert.All(scenario.Older.Packs, pack => Assert.InRange(puts.IndexOf(pack.Key), 0, puts.IndexOf(scenario.EntryOf(newer)) - 1));
        Assert.DoesNotContain(scenario.EntryOf(scenario.Older), puts);
        Assert.Empty(await BackupObjects.MissingAsync(scenario.To, newer, default));
    }

    [Theory]
    [InlineData("identity", true)]
    [InlineData(null, true)]
    [InlineData("identity", false)]
    [InlineData(null, false)]
    public async Task An_older_pack_that_is_damaged_or_missing_holds_the_backup_back(string? identity, bool damaged)
    {
        await using var scenario = await CopyScenario.StartAsync();
        var newer = await UseOlderAsync(scenario);
        var pack = scenario.Older.Packs[0].Key;
        if (damaged)
        {
            scenario.World.Damage(pack);
        }
        else
        {
            await scenario.From.DeleteAsync(pack, default);
        }

        var report = await scenario.CopyAsync(OnlyNewer(newer), identity);
        Assert.Equal([$"main/{newer.Id}"], report.HeldBack);
        Assert.Contains(report.Failures, failure => failure.Key == pack);
        Assert.DoesNotContain(scenario.EntryOf(newer), await scenario.World.KeysAsync(2));
    }

    [Fact]
    public async Task An_entry_whose_pack_is_collected_behind_the_copys_back_is_taken_back()
    {
        await using var scenario = await CopyScenario.StartAsync();
        var newer = await UseOlderAsync(scenario);
        var put = scenario.To.Inject(StoreFault.HoldAfter(StoreOperation.Put).On(key => key == scenario.EntryOf(newer)));
        var copying = scenario.CopyAsync(OnlyNewer(newer));
        await await Task.WhenAny(put.Reached, copying);
        await scenario.To.DeleteAsync(scenario.Older.Packs[0].Key, default);
        put.Release();
        var report = await copying;
        Assert.Contains(scenario.Older.Packs[0].Key, Assert.Single(report.Failures).Error.Message, StringComparison.Ordinal);
        Assert.Empty(report.Backups);
        Assert.DoesNotContain(scenario.EntryOf(newer), await scenario.World.KeysAsync(2));

        Assert.Equal([$"main/{newer.Id}"], (await scenario.CopyAsync(OnlyNewer(newer))).Backups);
        Assert.Empty(await BackupObjects.MissingAsync(scenario.To, newer, default));
    }

    [Fact]
    public async Task Packs_of_a_backup_that_is_no_more_are_not_removed_while_another_needs_them()
    {
        await using var scenario = await Scenario.StartAsync();
        await PutAsync(scenario.Store, Document(0, own: 2));
        await PutAsync(scenario.Store, Document(1, own: 1, older: [Pack(0, 1)]));
        await scenario.Store.DeleteAsync(Entry(0), default);
        Task<(string, long)[]> FindAsync(string name, bool force = false) => new RepositoryRemoval(scenario.Store, force).FindAsync([name], default).ToArrayAsync().AsTask();

        var e = await Assert.ThrowsAsync<RefusedInputException>(() => FindAsync(Pack(0, 1)));
        Assert.Contains(Entry(1), e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RefusedInputException>(() => FindAsync(Manifest(1)));
        await Assert.ThrowsAsync<RefusedInputException>(() => FindAsync(RepositoryLayout.PacksPrefix(Service, Id(0))));
        Assert.Equal(Pack(0, 0), (await FindAsync(Pack(0, 0))).Single().Item1);
        Assert.Equal(Manifest(0), (await FindAsync(Manifest(0))).Single().Item1);
        Assert.Equal(Entry(1), (await FindAsync(Entry(1))).Single().Item1);
        Assert.Equal(Pack(0, 1), (await FindAsync(Pack(0, 1), force: true)).Single().Item1);

        await scenario.Store.PutAsync(Entry(2), "{}"u8.ToArray(), PutMode.CreateNew, default);
        await Assert.ThrowsAsync<DamagedRepositoryException>(() => FindAsync(Pack(0, 0)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_owed_entry_comes_only_with_the_older_packs_it_needs(bool firstHasThem)
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var backup = Document(1, own: 1, older: [Pack(0, 0), Pack(0, 1)]);
        await PutAsync(scenario.Stores[0], backup);
        if (firstHasThem)
        {
            await PutPartsAsync(scenario.Stores[0], Document(0, own: 2));
        }

        await PutPartsAsync(scenario.Stores[1], Document(0, own: 1));
        scenario.Service.Repositories.Debts.Owe("r2", Entry(1));
        using var catchUp = new CatchUp(scenario.Service);
        var result = (await catchUp.RunAsync(default)).Single();

        Assert.Equal(firstHasThem ? 0 : 1, result.Left);
        Assert.Equal(firstHasThem, (await scenario.KeysAsync(2)).Contains(Entry(1)));
        if (firstHasThem)
        {
            Assert.Empty(await BackupObjects.MissingAsync(scenario.Stores[1], backup, default));
        }
        else
        {
            Assert.Contains(Pack(0, 1), result.Reason, StringComparison.Ordinal);
        }
    }

    // The newer backup as one that uses every pack of the older.
    static async Task<BackupDocument> UseOlderAsync(CopyScenario scenario)
    {
        var newer = scenario.Newer with { OlderPacks = [.. scenario.Older.Packs.Select(p => new UsedPack(p.Key, p.Size, p.Sha256, 200_000, 8192))] };
        await scenario.From.PutAsync(scenario.EntryOf(newer), newer.ToJson(), PutMode.Replace, default);
        return newer;
    }

    static RepositoryCopyOptions OnlyNewer(BackupDocument newer) => new() { Service = Service, Backup = BackupId.Parse(newer.Id), Jobs = 3 };
}
