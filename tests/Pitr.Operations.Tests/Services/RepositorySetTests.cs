using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Services;

public class RepositorySetTests
{
    static readonly byte[] Bytes = [1, 2, 3];

    [Fact]
    public async Task A_write_ends_when_every_repository_has_ended_also_after_a_failure()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Put));
        var slow = scenario.Stores[1].Inject(StoreFault.Hold(StoreOperation.Put));

        var putting = scenario.Service.Repositories.PutAsync("keys/a.json", Bytes, PutMode.CreateNew, default);
        await slow.Reached;
        Assert.False(putting.IsCompleted);
        slow.Release();

        await Assert.ThrowsAsync<StorageException>(() => putting);
        Assert.Equal(Bytes, await scenario.Stores[1].ReadAllAsync("keys/a.json", default));
    }

    [Fact]
    public async Task A_read_takes_the_first_repository_that_has_it()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.Stores[1].PutAsync("keys/a.json", Bytes, PutMode.CreateNew, default);

        Assert.Equal(Bytes, await scenario.Service.Repositories.TryReadAsync("keys/a.json", default));
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Read));
        Assert.Equal(Bytes, await scenario.Service.Repositories.TryReadAsync("keys/a.json", default));
        await using var stream = await scenario.Service.Repositories.OpenReadAsync("keys/a.json", null, default);
        Assert.Equal(1, stream.ReadByte());
    }

    [Fact]
    public async Task Absent_means_that_every_repository_said_so()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);

        Assert.Null(await scenario.Service.Repositories.TryReadAsync("keys/a.json", default));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => scenario.Service.Repositories.OpenReadAsync("keys/a.json", null, default));
        foreach (var failing in scenario.Stores)
        {
            failing.Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(2));
            Assert.IsNotType<ObjectNotFoundException>(await Assert.ThrowsAsync<StorageException>(() => scenario.Service.Repositories.TryReadAsync("keys/a.json", default)));
            Assert.IsNotType<ObjectNotFoundException>(await Assert.ThrowsAsync<StorageException>(() => scenario.Service.Repositories.OpenReadAsync("keys/a.json", null, default)));
        }
    }

    [Fact]
    public async Task Initialising_twice_keeps_the_first_identity()
    {
        await using var scenario = await Scenario.StartAsync();

        var first = await RepositorySet.RequireInitialisedAsync(scenario.Store, default);
        var (second, isNew) = await RepositorySet.InitialiseAsync(scenario.Store, scenario.Clock, default);

        Assert.Equal(first.RepositoryId, second.RepositoryId);
        Assert.False(isNew);
    }

    [Fact]
    public async Task A_newer_format_and_a_damaged_document_are_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        File.WriteAllText(scenario.PathOf(RepositoryLayout.Repository), "{\"format\":2,\"repository-id\":\"a\",\"created\":\"2026-11-21T03:00:00Z\"}");
        var newer = await Assert.ThrowsAsync<UnsupportedFormatException>(() => scenario.PushSegmentAsync("000000010000000000000003"));
        Assert.Contains("2", newer.Message, StringComparison.Ordinal);

        File.WriteAllText(scenario.PathOf(RepositoryLayout.Repository), "{");
        await Assert.ThrowsAsync<DamagedRepositoryException>(() => scenario.PushSegmentAsync("000000010000000000000003"));
        Assert.DoesNotContain(await scenario.KeysAsync(), k => k.Contains("/wal/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_service_binds_its_name_to_one_cluster_in_each_repository()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var registry = new ServiceRegistry(scenario.Service);

        await registry.ClaimAsync(scenario.Stores[0], 1, 15, 16 << 20, default);
        await registry.ClaimAsync(scenario.Stores[0], 1, 15, 16 << 20, default);

        await Assert.ThrowsAsync<ConflictException>(() => registry.ClaimAsync(scenario.Stores[0], 2, 15, 16 << 20, default));
        await Assert.ThrowsAsync<ConflictException>(() => new ServiceRegistry(scenario.Service).ClaimAsync(scenario.Stores[0], 2, 15, 16 << 20, default));
        Assert.Null(await registry.ReadAsync(scenario.Stores[1], default));
    }

    [Fact]
    public async Task A_service_document_without_a_cluster_is_damage()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.Store.PutAsync(
            RepositoryLayout.ServiceDocument(scenario.Service.Name),
            "{\"format\":1,\"name\":\"main\",\"kind\":\"postgres\",\"created\":\"2026-11-21T03:00:00Z\",\"system-identifiers\":[]}"u8.ToArray(),
            PutMode.CreateNew,
            default);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => scenario.PushSegmentAsync("000000010000000000000003"));

        Assert.Contains("service.json", error.Message, StringComparison.Ordinal);
    }
}
