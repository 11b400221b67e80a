using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Repositories;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Services;

/// <summary>Paying what is owed to a repository that was away.</summary>
public class CatchUpTests
{
    [Fact]
    public async Task A_repository_that_comes_back_gets_everything_keys_first_and_can_be_restored_from_alone()
    {
        await using var scenario = await OwingAsync(segments: 5);
        scenario.Stores[1].Heal();
        scenario.Clock.Advance(RepositoryHealth.Rest);

        var results = await CatchUpAsync(scenario.Service);

        Assert.Equal(new CatchUpResult("r2", 8, 0, null), results.Single());
        Assert.Empty(scenario.Service.Repositories.Debts.Creditors());
        var puts = scenario.Stores[1].Calls.Where(c => c.Operation == StoreOperation.Put).Select(c => RepositoryKey.Parse(c.Key).Kind).ToArray();
        Assert.Equal([RepositoryKeyKind.DataKey, RepositoryKeyKind.DataKey, RepositoryKeyKind.Service], puts[^8..^5]);

        // The first one is lost altogether.
        Directory.Delete(scenario.PathOf(""), recursive: true);
        await using var other = scenario.Open("other-state");
        Assert.Equal(WalSample.Segment(Name(3), 3), await new ArchiveGet(other).ReadAsync(WalFileName.Parse(Name(3)), default));
    }

    [Fact]
    public async Task What_cannot_be_paid_stays_owed_with_the_reason()
    {
        await using var scenario = await OwingAsync(segments: 2);
        scenario.Clock.Advance(RepositoryHealth.Rest);

        var result = (await CatchUpAsync(scenario.Service)).Single();

        Assert.Equal(("r2", 0, 5), (result.Repository, result.Paid, result.Left));
        Assert.Contains("r2", result.Reason, StringComparison.Ordinal);
        // And is left alone for a while.
        var calls = scenario.Stores[1].Calls.Count;
        Assert.Equal(5, (await CatchUpAsync(scenario.Service)).Single().Left);
        Assert.Equal(calls, scenario.Stores[1].Calls.Count);
    }

    [Fact]
    public async Task A_damaged_copy_is_not_handed_on()
    {
        await using var scenario = await OwingAsync(segments: 1);
        scenario.Damage(scenario.KeyOf(Name(1)));
        scenario.Stores[1].Heal();
        scenario.Clock.Advance(RepositoryHealth.Rest);

        var result = (await CatchUpAsync(scenario.Service)).Single();

        Assert.Equal((3, 1), (result.Paid, result.Left));
        Assert.Contains("damaged", result.Reason, StringComparison.Ordinal);
        Assert.Null(await scenario.Stores[1].StatAsync(scenario.KeyOf(Name(1)), default));
    }

    [Fact]
    public async Task The_same_segment_sealed_twice_is_no_conflict_and_another_one_is()
    {
        await using var scenario = await OwingAsync(segments: 1);
        scenario.Stores[1].Heal();
        scenario.Clock.Advance(RepositoryHealth.Rest);
        var debts = scenario.Service.Repositories.Debts;
        // Pushed by another process meanwhile, and sealed with a key of its own.
        await using (var another = scenario.Open("another-state", change: s => s with { RequiredRepositories = 2 }))
        {
            await new ArchivePush(another).PushAsync(scenario.Write(Name(1), WalSample.Segment(Name(1), 1)), default);
        }

        Assert.Equal(0, (await CatchUpAsync(scenario.Service)).Single().Left);

        await scenario.PushSegmentAsync(Name(2), 2);
        await SettledAsync(scenario, "r1");
        // If the key came a moment later to r1 than to r2, the segment was not even tried there.
        await CatchUpAsync(scenario.Service);
        var sealedOther = await scenario.Stores[0].ReadAllAsync(scenario.KeyOf(Name(2)), default);
        await scenario.Stores[1].PutAsync(scenario.KeyOf(Name(1)), sealedOther, PutMode.Replace, default);
        debts.Owe("r2", scenario.KeyOf(Name(1)));
        var conflict = (await CatchUpAsync(scenario.Service)).Single();
        Assert.Equal(1, conflict.Left);
        Assert.Contains("other content", conflict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_catalog_entry_waits_for_everything_before_it()
    {
        await using var scenario = await OwingAsync(segments: 1);
        var debts = scenario.Service.Repositories.Debts;
        await PlantedBackups.PutAsync(scenario.Stores[0], PlantedBackups.Document(0, own: 1));
        debts.Owe("r2", PlantedBackups.Entry(0));
        scenario.Stores[1].Heal();
        scenario.Clock.Advance(RepositoryHealth.Rest);
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Put).On(key => key.Contains("/wal/", StringComparison.Ordinal)));

        Assert.Equal((3, 2), (await CatchUpAsync(scenario.Service)).Select(r => (r.Paid, r.Left)).Single());
        Assert.DoesNotContain(await scenario.KeysAsync(2), key => key.EndsWith("backup.json", StringComparison.Ordinal));

        scenario.Clock.Advance(RepositoryHealth.Rest);
        Assert.Equal(0, (await CatchUpAsync(scenario.Service)).Single().Left);
        Assert.Contains(await scenario.KeysAsync(2), key => key.EndsWith("backup.json", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_has_expired_everywhere_is_owed_to_nobody()
    {
        await using var scenario = await OwingAsync(segments: 1);
        scenario.Stores[1].Heal();
        scenario.Clock.Advance(RepositoryHealth.Rest);
        await scenario.Stores[0].DeleteAsync(scenario.KeyOf(Name(1)), default);

        Assert.Equal(new CatchUpResult("r2", 4, 0, null), (await CatchUpAsync(scenario.Service)).Single());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_unmounted_disk_neither_strikes_debts_nor_takes_objects(int repository)
    {
        await using var scenario = await OwingAsync(segments: 1);
        scenario.Stores[1].Heal();
        scenario.Clock.Advance(RepositoryHealth.Rest);
        Directory.Delete(scenario.PathOf("", repository), recursive: true);
        Directory.CreateDirectory(scenario.PathOf("", repository));
        // As another process sees it, which has not seen the directory with anything in it.
        await using var other = scenario.Open();

        Assert.Equal((0, 4), (await CatchUpAsync(other)).Select(r => (r.Paid, r.Left)).Single());

        Assert.Equal(4, scenario.Service.Repositories.Debts.Owed("r2").Count());
        Assert.Empty(Directory.GetFileSystemEntries(scenario.PathOf("", repository)));
    }

    // A service whose second repository was away while segments were pushed.
    static async Task<Scenario> OwingAsync(int segments)
    {
        var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        foreach (var operation in Enum.GetValues<StoreOperation>())
        {
            scenario.Stores[1].Inject(StoreFault.FailBefore(operation).Repeated(int.MaxValue));
        }

        await scenario.PushRunAsync(1, 1, (ulong)segments);
        await SettledAsync(scenario, "r2");
        return scenario;
    }

    // Slower repositories get or lack an object behind the push's back.
    static async Task SettledAsync(Scenario scenario, string repository)
    {
        var repositories = scenario.Service.Repositories;
        var store = repositories.Stores.Single(s => s.Name == repository);
        while (repositories.Debts.Owed(repository).Any(d => repositories.IsUnderway(store, d.Key)))
        {
            await Task.Yield();
        }
    }

    static async Task<IReadOnlyList<CatchUpResult>> CatchUpAsync(PostgresService service)
    {
        using var catchUp = new CatchUp(service);
        return await catchUp.RunAsync(default);
    }

    static string Name(ulong number) => WalSegmentName.FromNumber(new Timeline(1), number, WalSample.Small).ToString();
}
