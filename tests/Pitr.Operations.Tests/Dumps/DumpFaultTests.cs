using Pitr.Format.Layout;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Verify;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>A repository that fails at exactly one put of a dump: nothing that looks like a backup is there, or the debt is paid later.</summary>
public sealed class DumpFaultTests
{
    public static TheoryData<string, bool> Puts => new() { { "dump.json", false }, { "dump.json", true }, { "SHA256SUMS", false }, { "SHA256SUMS", true }, { "manifest", false }, { "000001", true } };

    [Theory]
    [MemberData(nameof(Puts))]
    public async Task Where_all_are_required_no_entry_is_visible_anywhere(string name, bool after)
    {
        await using var world = await DumpWorld.StartAsync(repositories: 2);
        Fail(world, 1, name, after);

        await Assert.ThrowsAnyAsync<Exception>(() => world.DumpAsync());
        foreach (var store in world.Scenario.Stores)
        {
            store.Heal();
        }

        Assert.Empty(await new DumpCatalog(world.Open("another")).ListAsync(default));
        for (var repository = 1; repository <= 2; repository++)
        {
            Assert.DoesNotContain(await world.Scenario.KeysAsync(repository), key => DumpObjects.IsPart(key, out _, out _) || RepositoryKey.Parse(key).Kind == RepositoryKeyKind.DumpEntry);
            Assert.Empty(world.Open().Repositories.Debts.Owed($"r{repository}"));
        }

        world.Scenario.Clock.Advance(TimeSpan.FromMinutes(1));
        await world.DumpAsync();
        VerifyWorld.RequirePassed(await world.VerifyAnewAsync());
    }

    [Theory]
    [MemberData(nameof(Puts))]
    public async Task Where_one_is_required_the_other_is_owed_it_and_catches_up(string name, bool after)
    {
        await using var world = await DumpWorld.StartAsync(repositories: 2, required: 1);
        Fail(world, 1, name, after);

        var dump = await world.DumpAsync();
        Assert.Equal([dump.Id], (await new DumpCatalog(world.Open()).ListAsync(default)).Select(d => d.Id));
        Assert.True(world.Open().Repositories.Debts.IsOwed("r2", DumpWorld.Entry(dump)), "no debt");
        if (!after || name != "dump.json")
        {
            // Whoever has the entry has all that it names.
            Assert.DoesNotContain(DumpWorld.Entry(dump), await world.Scenario.KeysAsync(2));
        }

        world.Scenario.Stores[1].Heal();
        using (var catchUp = new CatchUp(world.Open()))
        {
            Assert.All(await catchUp.RunAsync(default), result => Assert.Equal(0, result.Left));
        }

        Assert.Contains(DumpWorld.Entry(dump), await world.Scenario.KeysAsync(2));
        VerifyWorld.RequirePassed(await world.VerifyAnewAsync());
    }

    [Fact]
    public async Task A_tool_that_fails_leaves_nothing()
    {
        await using var world = await DumpWorld.StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => world.DumpAsync(script: "head -c 200000 /dev/urandom; exit 3"));
        Assert.DoesNotContain(await world.Scenario.KeysAsync(), key => DumpObjects.IsPart(key, out _, out _));
    }

    static void Fail(DumpWorld world, int repository, string name, bool after)
    {
        var fault = after ? StoreFault.FailAfter(StoreOperation.Put) : StoreFault.FailBefore(StoreOperation.Put);
        world.Scenario.Stores[repository].Inject(fault.On(key => key.EndsWith($"/{name}", StringComparison.Ordinal)).Repeated(int.MaxValue));
    }
}
