using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;
using Serilog.Core;

namespace Pitr.Operations.Tests.Archive;

public class WalArchiveTests
{
    [Fact]
    public async Task Runs_and_gaps_are_found_in_the_union_of_the_repositories()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushRunAsync(1, 1, 9);
        foreach (var (repository, missing) in new[] { (1, 2), (2, 7), (1, 4), (2, 4), (1, 5), (2, 5) })
        {
            File.Delete(scenario.PathOf(scenario.KeyOf(Name(1, (ulong)missing)), repository));
        }

        var inventory = await new WalArchive(scenario.Service).ListAsync(default);

        var timeline = Assert.Single(inventory.Timelines);
        Assert.Equal([(Name(1, 1), Name(1, 3), 3L), (Name(1, 6), Name(1, 9), 4L)], timeline.Spans.Select(s => (s.First.ToString(), s.Last.ToString(), s.Count)));
        var gap = Assert.Single(timeline.Gaps(inventory.SegmentSize));
        Assert.Equal((Name(1, 4), Name(1, 5), 2L), (gap.First.ToString(), gap.Last.ToString(), gap.Count));
        Assert.False(inventory.Contains(WalSegmentName.Parse(Name(1, 4))));
        Assert.True(inventory.Contains(WalSegmentName.Parse(Name(1, 2))));
    }

    [Fact]
    public async Task A_run_goes_on_from_one_log_file_to_the_next()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 4094, 4098);

        var inventory = await new WalArchive(scenario.Service).ListAsync(default);

        Assert.Equal(["000000010000000000000FFE", "000000010000000100000002"], inventory.Timelines[0].Spans.SelectMany(s => new[] { s.First.ToString(), s.Last.ToString() }));
        Assert.Empty(inventory.Timelines[0].Gaps(inventory.SegmentSize));
    }

    [Fact]
    public async Task Only_segments_count_as_segments()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 3, 3);
        await scenario.Push.PushAsync(scenario.Write(Name(1, 5) + ".partial", WalSample.Segment(Name(1, 5))), default);
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn(0x500000))));
        await scenario.PushTextAsync("000000010000000000000002.00000028.backup", WalSample.BackupHistory());
        await scenario.Store.PutAsync(RepositoryLayout.WalPrefix(scenario.Service.Name) + "00000001/00000000/notes.txt", new byte[] { 1 }, PutMode.CreateNew, default);

        var inventory = await new WalArchive(scenario.Service).ListAsync(default);

        Assert.Equal([(1u, 1, false), (2u, 0, true)], inventory.Timelines.Select(t => (t.Timeline.Value, t.Spans.Count, t.HasHistory)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_listing_that_broke_off_is_no_inventory(int afterLines)
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 4);
        scenario.Store.Inject(StoreFault.CutListing(afterLines));

        await Assert.ThrowsAsync<StorageException>(() => new WalArchive(scenario.Service).ListAsync(default));
    }

    [Fact]
    public async Task An_inventory_is_without_a_repository_that_is_down_and_says_so()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushRunAsync(1, 1, 4);
        scenario.Stores[0].Inject(StoreFault.CutListing(2));

        var inventory = await new WalArchive(scenario.Service).ListAsync(default);

        Assert.Equal(4, inventory.Timelines.Single().Spans.Single().Count);
        Assert.Equal(["r1"], scenario.Service.Repositories.Unanswered.Keys);
        Assert.Equal(["r2"], scenario.Service.Repositories.Answered);
    }

    [Fact]
    public async Task A_service_that_never_stored_anything_is_not_an_empty_archive()
    {
        await using var scenario = await Scenario.StartAsync();

        Assert.False(await new WalArchive(scenario.Service).ExistsAsync(default));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => new WalArchive(scenario.Service).ListAsync(default));
        File.Delete(scenario.PathOf(RepositoryLayout.Repository));
        await Assert.ThrowsAsync<RepositoryUnavailableException>(() => new WalArchive(scenario.Service).ExistsAsync(default));
    }

    [Fact]
    public async Task Commit_times_come_from_the_repository_whose_copy_is_sound()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        await scenario.PushRunAsync(1, 3, 3, _ => [Scenario.Start]);
        var key = scenario.KeyOf(Name(1, 3));
        var archive = new WalArchive(scenario.Service);
        foreach (var position in new[] { 0, 8, 10 })
        {
            scenario.Damage(key, 1, position);
            Assert.Equal(Scenario.Start, (await archive.ReadCommitTimesAsync(WalSegmentName.Parse(Name(1, 3)), default))!.Value.Last);
            scenario.Damage(key, 1, position);
        }

        scenario.Damage(key, 1, 0);
        scenario.Damage(key, 2, 0);
        await Assert.ThrowsAsync<DamagedRepositoryException>(() => archive.ReadCommitTimesAsync(WalSegmentName.Parse(Name(1, 3)), default));
    }

    [Fact]
    public async Task A_history_is_absent_unreadable_or_read()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushTextAsync("00000003.history", WalSample.History((1, new Lsn(0x300000)), (2, new Lsn(0x500000))));
        var archive = new WalArchive(scenario.Service);

        Assert.Null(await archive.ReadHistoryAsync(new Timeline(2), default));
        Assert.Equal(2, (await archive.ReadHistoryAsync(new Timeline(3), default))!.Entries.Count);
        scenario.Damage(scenario.KeyOf("00000003.history"));
        await Assert.ThrowsAsync<DamagedRepositoryException>(() => archive.ReadHistoryAsync(new Timeline(3), default));
    }

    [Fact]
    public async Task The_first_commit_after_a_moment_is_found_as_a_naive_scan_finds_it()
    {
        using var key = DataKey.Create(Scenario.Start);
        // Per segment the seconds to its first commit and from there to its last, or nothing when it has no commit.
        var segment = Gen.Frequency((1, Gen.Constant<(int, int)?>(null)), (2, Gen.Zip(Gen.Choose(0, 5), Gen.Choose(0, 5)).Select(z => ((int, int)?)(z.Item1, z.Item2))));
        var archives = Gen.Zip(segment.ListOf(), Gen.Choose(-2, 60));
        var service = Open(new MemoryObjectStore());
        Prop.ForAll(Arb.From(archives), run =>
        {
            var (segments, offset) = run;
            if (segments.Count == 0)
            {
                return true;
            }

            var now = 0L;
            var last = new List<long?>();
            foreach (var (commits, index) in segments.Select((s, i) => (s, i)))
            {
                var header = SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id);
                if (commits is var (until, during))
                {
                    header = header with { FirstCommit = Micro(now += until), LastCommit = Micro(now += during) };
                }

                last.Add(commits is null ? null : now);
                var bytes = new byte[SealedObjectHeader.Size];
                header.Write(bytes);
                var put = service.Repositories.Stores[0].PutAsync(RepositoryLayout.Wal(service.Name, WalFileName.Parse(Name(1, (ulong)index + 5))), bytes, PutMode.Replace, default);
                put.GetAwaiter().GetResult();
            }

            var expected = last.FindIndex(l => l > offset);
            var finding = new WalArchive(service).FindCommitAfterAsync(
                Scenario.Start.AddSeconds(offset),
                new TimelinePath(new Timeline(1), null, WalSample.Small),
                WalSegmentName.Parse(Name(1, 5)),
                WalSegmentName.Parse(Name(1, (ulong)segments.Count + 4)),
                WalSample.Small,
                default);
            var found = finding.GetAwaiter().GetResult();
            return found?.ToString() == (expected < 0 ? null : Name(1, (ulong)expected + 5));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public async Task A_search_looks_at_few_headers()
    {
        var store = new FaultyObjectStore(new MemoryObjectStore());
        await using var service = Open(store);
        using var key = DataKey.Create(Scenario.Start);
        for (var number = 1; number <= 1000; number++)
        {
            var bytes = new byte[SealedObjectHeader.Size];
            (SealedObjectHeader.Create(SealedObjectKind.Wal, SealedObjectCodec.Zstd, key.Id) with { FirstCommit = Micro(number), LastCommit = Micro(number) }).Write(bytes);
            await store.PutAsync(RepositoryLayout.Wal(service.Name, WalFileName.Parse(Name(1, (ulong)number))), bytes, PutMode.CreateNew, default);
        }

        var found = await new WalArchive(service).FindCommitAfterAsync(
            Scenario.Start.AddSeconds(700), new TimelinePath(new Timeline(1), null, WalSample.Small), WalSegmentName.Parse(Name(1, 1)), WalSegmentName.Parse(Name(1, 1000)), WalSample.Small, default);

        Assert.Equal(Name(1, 701), found.ToString());
        Assert.InRange(store.Calls.Count(c => c.Operation == StoreOperation.Read), 1, 11);
    }

    static long Micro(long seconds) => WalSample.Microseconds(Scenario.Start.AddSeconds(seconds));

    static string Name(uint timeline, ulong number) => WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();

    static PostgresService Open(IObjectStore store)
    {
        var configuration = new PitrConfiguration
        {
            FilePath = "/none",
            StateDirectory = "/none",
            Repositories = new Dictionary<string, RepositorySettings> { ["memory"] = new("memory", FileDriverSettings.Of("/none"), RetrySettings.Default, LimitSettings.None) },
            Encryption = new EncryptionSettings([], null, null),
            Services = new Dictionary<string, ServiceSettings> { ["main"] = new PostgresServiceSettings("main", ["memory"], ObjectiveSettings.Default, RetentionSettings.Default) },
        };
        return new PostgresService(configuration, "main", TimeProvider.System, Logger.None, null, _ => store);
    }
}
