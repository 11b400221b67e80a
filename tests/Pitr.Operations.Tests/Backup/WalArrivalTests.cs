using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Backup;

public class WalArrivalTests
{
    static readonly WalSegmentName First = WalSegmentName.Parse("000000010000000000000FFE");
    static readonly WalSegmentName Last = WalSegmentName.Parse("000000010000000100000001");

    [Fact]
    public async Task Every_segment_from_start_to_stop_must_be_in_every_repository()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, skipsWaits: true);
        await scenario.PushRunAsync(1, 4094, 4097);
        await new WalArrival(scenario.Service).WaitForSegmentsAsync(First, Last, WalSample.Small, default);

        foreach (var (number, repository) in new[] { (4094, 1), (4096, 2), (4097, 1) })
        {
            var name = WalSegmentName.FromNumber(new Timeline(1), (ulong)number, WalSample.Small).ToString();
            var path = scenario.PathOf(scenario.KeyOf(name), repository);
            File.Move(path, path + ".aside");

            var error = await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new WalArrival(scenario.Service).WaitForSegmentsAsync(First, Last, WalSample.Small, default));

            Assert.Contains($"{name} did not reach repository r{repository}", error.Message, StringComparison.Ordinal);
            File.Move(path + ".aside", path);
        }
    }

    [Fact]
    public async Task It_waits_until_the_file_arrives_and_reads_it()
    {
        await using var scenario = await Scenario.StartAsync();
        var looked = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Stat).On(k => k == scenario.KeyOf(First.ToString())));

        var waiting = new WalArrival(scenario.Service).WaitForFileAsync(WalFileName.ForSegment(First), default);
        await looked.Reached;
        var content = await scenario.PushSegmentAsync(First.ToString());
        looked.Release();

        Assert.Equal(content, await waiting);
    }

    [Fact]
    public async Task A_repository_that_fails_while_it_is_waited_for_is_not_missed_when_the_other_is_enough()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var looked = scenario.Stores[0].Inject(StoreFault.Hold(StoreOperation.Stat).On(k => k == scenario.KeyOf(First.ToString())));
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Stat).On(k => k == scenario.KeyOf(First.ToString())).Repeated(int.MaxValue));

        var waiting = new WalArrival(scenario.Service).WaitForFileAsync(WalFileName.ForSegment(First), default);
        await looked.Reached;
        var content = await scenario.PushSegmentAsync(First.ToString());
        // One repository is enough for a push, and that may have been the other one. A second look would wait for a clock that stands.
        await Eventually.UntilAsync(() => scenario.Stores[0].ExistsAsync(scenario.KeyOf(First.ToString()), default));
        looked.Release();

        Assert.Equal(content, await waiting);
    }

    [Fact]
    public async Task Repositories_that_answer_at_once_are_all_asked()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var stores = scenario.Stores.ToDictionary(s => s.Name, _ => new MemoryObjectStore());
        var service = scenario.Open(wrap: store => stores[store.Name]);
        foreach (var store in stores.Values)
        {
            await RepositorySet.InitialiseAsync(store, scenario.Clock, default);
            await store.PutAsync(scenario.KeyOf(First.ToString()), ObjectContent.FromMemory(new byte[1]), PutMode.CreateNew, default);
        }

        await new WalArrival(service).WaitForSegmentsAsync(First, First, WalSample.Small, default);
    }

    [Fact]
    public async Task It_ends_at_the_deadline()
    {
        await using var scenario = await Scenario.StartAsync(skipsWaits: true);

        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new WalArrival(scenario.Service).WaitForFileAsync(WalFileName.ForSegment(First), default));

        Assert.InRange(scenario.Clock.GetUtcNow() - Scenario.Start, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15.1));
    }
}
