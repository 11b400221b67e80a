using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive.Status;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Streaming;
using Pitr.Postgres.Cluster;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive.Status;

/// <summary>The status of a server that is down, whose files this host sees. What a running one says is tried end to end.</summary>
public class WalStatusReaderTests
{
    static readonly WalStatusLimits Limits = new(TimeSpan.FromMinutes(5), TimeSpan.FromDays(1));
    static readonly Storage.ObjectContent One = Storage.ObjectContent.FromMemory(new byte[1]);

    static (DataDirectorySample Data, PostgresService Service) Open(Scenario scenario)
    {
        var data = new DataDirectorySample(scenario["data"]);
        return (data, scenario.Open(change: settings => settings with { DataDirectory = data.Path, Connection = $"Host={scenario.Root};Username=postgres" }));
    }

    static async Task PushAsync(Scenario scenario, DataDirectorySample data, ulong number, params DateTimeOffset[] commits)
    {
        var name = DataDirectorySample.Segment(number).ToString();
        await scenario.Push.PushAsync(scenario.Write(name, WalSample.Segment(name, (int)number, 1 << 20, data.SystemIdentifier, commits: commits)), default);
    }

    [Fact]
    public async Task A_server_that_is_down_is_judged_by_its_files_and_the_archive()
    {
        await using var scenario = await Scenario.StartAsync();
        var (data, service) = Open(scenario);
        await PushAsync(scenario, data, 4, Scenario.Start.AddSeconds(-90));
        await PushAsync(scenario, data, 5);
        data.Write(5);
        data.Done(5, Scenario.Start.AddSeconds(-40));
        data.Write(6, pages: 10);

        var status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);

        Assert.Equal((WalArchiving.KeepsUp, 0, 0), (status.Archiving, status.Ready, status.Problems.Count));
        Assert.Equal(["server"], status.Unknown.Select(u => u.Name));
        Assert.Equal((new Lsn((6UL << 20) + 81920), "pg_wal", new Lsn(6UL << 20)), (status.Position, status.PositionFrom, status.ArchivedTo));
        Assert.Equal((81920, TimeSpan.FromSeconds(40)), (status.LagBytes, status.Lag));
        Assert.Equal(Scenario.Start.AddSeconds(-90), status.LastCommit);
        Assert.Equal(DataDirectorySample.Segment(5), Assert.Single(status.Repositories).Newest);
        Assert.NotNull(status.Runway);
        Assert.Equal(ClusterState.ShutDown, status.Control!.State);
    }

    [Fact]
    public async Task Segments_that_wait_are_lag_even_if_a_later_one_is_archived_already()
    {
        await using var scenario = await Scenario.StartAsync();
        var (data, service) = Open(scenario);
        await PushAsync(scenario, data, 4);
        await PushAsync(scenario, data, 6);
        foreach (var number in new ulong[] { 4, 5, 6 })
        {
            data.Write(number);
        }

        data.Done(4, Scenario.Start.AddMinutes(-30));
        data.Ready(5, Scenario.Start.AddMinutes(-20));
        data.Ready(6, Scenario.Start.AddMinutes(-10));

        var status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);

        Assert.Equal((WalArchiving.Stalls, 2, Scenario.Start.AddMinutes(-20)), (status.Archiving, status.Ready, status.ReadySince));
        Assert.Equal((new Lsn(5UL << 20), 2L << 20, TimeSpan.FromMinutes(30)), (status.ArchivedTo, status.LagBytes, status.Lag));
        Assert.Contains("archiving-stalls", status.Problems.Select(p => p.Name));
    }

    [Fact]
    public async Task What_was_streamed_of_the_last_segment_is_archived()
    {
        await using var scenario = await Scenario.StartAsync();
        var (data, service) = Open(scenario);
        await PushAsync(scenario, data, 4, Scenario.Start.AddSeconds(-90));
        await PushAsync(scenario, data, 5);
        data.Write(5);
        data.Done(5, Scenario.Start.AddSeconds(-40));
        data.Write(6, pages: 10);
        await StreamAsync(scenario, data, 6, Scenario.Start.AddSeconds(-3), 5000, 65000);

        var status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);

        var end = new Lsn((6UL << 20) + 65000);
        Assert.Equal((end, 81920 - 65000, Scenario.Start.AddSeconds(-3)), (status.ArchivedTo, status.LagBytes, status.LastCommit));
        var repository = Assert.Single(status.Repositories);
        Assert.Equal((DataDirectorySample.Segment(5), end), (repository.Newest, repository.StreamedTo));
        Assert.Equal(status.At - repository.Streamed > TimeSpan.Zero ? status.At - repository.Streamed : TimeSpan.Zero, status.Lag);

        // Nor does what the archiver has not come to wait, if the stream has brought it.
        data.Ready(5, Scenario.Start.AddMinutes(-20));
        status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);
        Assert.Equal(end, status.ArchivedTo);
        Assert.Equal(WalArchiving.Stalls, status.Archiving);

        // Without the first piece the others reach nowhere.
        File.Delete(scenario.PathOf(RepositoryLayout.WalPiece(scenario.Service.Name, new WalPieceName(DataDirectorySample.Segment(6), 0, 5000))));
        status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);
        Assert.Equal((new Lsn(5UL << 20), Scenario.Start.AddSeconds(-90)), (status.ArchivedTo, status.LastCommit));
    }

    [Fact]
    public async Task An_archive_of_nothing_but_pieces_counts()
    {
        await using var scenario = await Scenario.StartAsync();
        var (data, service) = Open(scenario);
        data.Write(6, pages: 10);
        await StreamAsync(scenario, data, 6, Scenario.Start.AddSeconds(-3), 81920);
        await new ServiceRegistry(scenario.Service).ClaimAsync(data.SystemIdentifier, 15, 1 << 20, default);

        var status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);

        Assert.Equal((new Lsn((6UL << 20) + 81920), 0, TimeSpan.Zero, Scenario.Start.AddSeconds(-3)), (status.ArchivedTo, status.LagBytes, status.Lag, status.LastCommit));
    }

    static Task StreamAsync(Scenario scenario, DataDirectorySample data, ulong number, DateTimeOffset commit, params int[] ends)
    {
        var name = DataDirectorySample.Segment(number).ToString();
        var content = WalSample.Segment(name, (int)number, 1 << 20, data.SystemIdentifier, commits: commit);
        return new StreamedSegment(scenario, name, content, data.SystemIdentifier).StoreAsync(0, ends);
    }

    [Fact]
    public async Task Repositories_that_do_not_answer_are_named_and_the_others_speak()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var (data, service) = Open(scenario);
        await PushAsync(scenario, data, 4);
        data.Write(5, pages: 1);
        scenario.Stores[0].Inject(StoreFault.FailBefore(StoreOperation.Read).Repeated(100));

        var status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);

        Assert.NotNull(status.Repositories[0].Unanswered);
        Assert.Equal(DataDirectorySample.Segment(4), status.Repositories[1].Newest);
        Assert.Contains("repositories-missing", status.Problems.Select(p => p.Name));
        Assert.Equal(new Lsn(5UL << 20), status.ArchivedTo);
    }

    [Fact]
    public async Task An_archive_of_another_cluster_is_wrong()
    {
        await using var scenario = await Scenario.StartAsync();
        var (data, service) = Open(scenario);
        await scenario.Push.PushAsync(scenario.Write("000000010000000000000004", WalSample.Segment("000000010000000000000004", systemIdentifier: 42)), default);
        data.Write(4);

        var status = await new WalStatusReader(service).ReadAsync(TimeSpan.Zero, Limits, default);

        Assert.Contains("other-cluster", status.Problems.Select(p => p.Name));
    }

    [Fact]
    public async Task An_archive_that_holds_nothing_yet_and_a_host_without_the_files_are_no_errors()
    {
        await using var scenario = await Scenario.StartAsync();
        var status = await new WalStatusReader(scenario.Service).ReadAsync(TimeSpan.Zero, Limits, default);

        Assert.Equal((WalArchiving.Unknown, null, null), (status.Archiving, status.Position, status.ArchivedTo));
        Assert.Equal(["server", "pg-wal"], status.Unknown.Select(u => u.Name));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20000)]
    public async Task The_newest_segment_is_found_with_few_questions(int segments)
    {
        var store = new FaultyObjectStore(new MemoryObjectStore());
        var name = Format.Layout.ServiceName.Parse("main");
        for (var number = 0; number < segments; number++)
        {
            await store.PutAsync(Format.Layout.RepositoryLayout.Wal(name, WalFileName.ForSegment(DataDirectorySample.Segment((ulong)number))), One, Storage.PutMode.CreateNew, default);
        }

        await store.PutAsync("services/main/wal/00000002.history", One, Storage.PutMode.CreateNew, default);
        await store.PutAsync("services/main/wal/00000002/00000000/000000020000000000000003.partial", One, Storage.PutMode.CreateNew, default);

        var newest = await new WalNewest(name, DataDirectorySample.Size).FindAsync(store, default);

        Assert.Equal(DataDirectorySample.Segment((ulong)segments - 1), newest!.Segment);
        Assert.InRange(store.Calls.Count(c => c.Operation == StoreOperation.List), 1, 6);
    }
}
