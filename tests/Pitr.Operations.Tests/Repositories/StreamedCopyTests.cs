using Pitr.Format.Wal;
using Pitr.Operations.Archive.Verify;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Archive.Verify;
using Pitr.Operations.Tests.Streaming;
using Pitr.Operations.Verify;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>Copying what a stream is still adding to.</summary>
public class StreamedCopyTests
{
    [Fact]
    public async Task Pieces_are_copied_as_they_are()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var (service, _, last) = await StreamAsync(scenario);

        var report = await CopyAsync(scenario, service);

        Assert.Equal(0, report.Failed);
        foreach (var key in new[] { last.KeyOf(0, 8192), last.KeyOf(8192, 100_000), last.KeyOf(100_000, 300_000) })
        {
            Assert.Equal(await File.ReadAllBytesAsync(scenario.PathOf(key)), await File.ReadAllBytesAsync(scenario.PathOf(key, 2)));
        }

        Assert.True((await scenario.VerifyAsync(service: Only(scenario, "r2"))).Passed);

        // A damaged piece is not brought over.
        await last.StoreAsync(service, 300_000, 400_000);
        scenario.Damage(last.KeyOf(300_000, 400_000));
        report = await CopyAsync(scenario, service);
        Assert.Equal(last.KeyOf(300_000, 400_000), Assert.Single(report.Failures).Key);
        Assert.False(File.Exists(scenario.PathOf(last.KeyOf(300_000, 400_000), 2)));
    }

    [Fact]
    public async Task A_segment_that_becomes_whole_meanwhile_is_copied_in_place_of_its_pieces()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var (service, wal, last) = await StreamAsync(scenario);
        var reading = scenario.Stores[0].Inject(StoreFault.Hold(StoreOperation.Read).On(key => key == last.KeyOf(8192, 100_000)));

        var copying = CopyAsync(scenario, service);
        await reading.Reached;
        await new Operations.Archive.ArchivePush(service).PushAsync(scenario.Write(wal.Name(1), wal.Segment(1)), default);
        foreach (var key in (await scenario.KeysAsync()).Where(key => key.Contains(".parts/", StringComparison.Ordinal)))
        {
            await scenario.Stores[0].DeleteAsync(key, default);
        }

        reading.Release();
        var report = await copying;

        Assert.Equal(0, report.Failed);
        Assert.True(File.Exists(scenario.PathOf(scenario.KeyOf(wal.Name(1)), 2)));
        Assert.True((await scenario.VerifyAsync(service: Only(scenario, "r2"))).Passed);
    }

    [Fact]
    public async Task A_piece_that_is_gone_without_its_segment_is_a_failure()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2, required: 1);
        var (service, _, last) = await StreamAsync(scenario);
        var reading = scenario.Stores[0].Inject(StoreFault.Hold(StoreOperation.Read).On(key => key == last.KeyOf(8192, 100_000)));
        var copying = CopyAsync(scenario, service);
        await reading.Reached;
        await scenario.Stores[0].DeleteAsync(last.KeyOf(8192, 100_000), default);
        reading.Release();
        Assert.Equal(last.KeyOf(8192, 100_000), Assert.Single((await copying).Failures).Key);
        Assert.Equal([FindingKind.Gap], (await scenario.VerifyAsync(service: Only(scenario, "r2"))).Findings.Select(f => f.Kind));
    }

    // A service whose only repository is r1 streams a second segment.
    static async Task<(PostgresService Service, WalStreamSample Wal, StreamedSegment Last)> StreamAsync(Scenario scenario)
    {
        var service = Only(scenario, "r1");
        var wal = new WalStreamSample(5, 2);
        await new Operations.Archive.ArchivePush(service).PushAsync(scenario.Write(wal.Name(0), wal.Segment(0)), default);
        var last = new StreamedSegment(scenario, wal.Name(1), wal.Segment(1));
        await last.StoreAsync(service, 0, 8192, 100_000, 300_000);
        return (service, wal, last);
    }

    static PostgresService Only(Scenario scenario, string repository) =>
        scenario.Open(change: settings => settings with { Repositories = [repository], RequiredRepositories = 1 });

    static async Task<RepositoryCopyReport> CopyAsync(Scenario scenario, PostgresService service)
    {
        using var keys = new RepositoryKeys(service.Configuration, scenario.Stores, scenario.Clock, askPassphrase: null);
        return await new RepositoryCopy(scenario.Stores[0], scenario.Stores[1], [], new ObjectOpener(keys), scenario["spool"], scenario.Clock)
            .RunAsync(new RepositoryCopyOptions { Jobs = 1 }, progress: null, default);
    }
}
