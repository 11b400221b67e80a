using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Storage;
using Xunit.Abstractions;

namespace Pitr.Operations.Tests.Archive;

/// <summary>PITR_TEST_ARCHIVE_SEGMENTS says how many segments the large archive has; a million takes two minutes to make.</summary>
[Collection(nameof(AloneCollection))]
public class WalListingTests(ITestOutputHelper output)
{
    static readonly Timeline One = new(1);

    [Fact]
    public void What_several_repositories_hold_together_is_what_a_naive_union_gives()
    {
        var repositories = Gen.Choose(0, 40).ArrayOf().Resize(25).ArrayOf(3);
        Prop.ForAll(Arb.From(repositories), held =>
        {
            var runs = held.Select((numbers, repository) =>
            {
                var made = new StoredRuns(keepsSizes: true);
                foreach (var number in numbers.Distinct().Order())
                {
                    made.Add((ulong)number, SizeOf(number), StoredAt(number, repository));
                }

                return made;
            }).ToArray();

            var spans = StoredRuns.Union(One, WalSegmentSize.Default, runs);

            var all = held.SelectMany(n => n).Distinct().Order().ToArray();
            var naive = all.Where(n => !all.Contains(n - 1)).Select(first => Enumerable.Range(first, all.Length).TakeWhile(all.Contains).ToArray());
            Assert.Equal(
                naive.Select(span => (span[0], span[^1], (long)span.Length, (long)span.Sum(SizeOf), Newest(held, span))),
                spans.Select(s => (Number(s.First), Number(s.Last), s.Count, s.StoredBytes, s.Newest)));
            Assert.All(spans, span => Assert.Contains(span.LastStored, held.Select((_, repository) => StoredAt(Number(span.Last), repository))));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(300)]
    [InlineData(5000)]
    public async Task An_archive_is_listed_whole_however_it_is_parted(int logs)
    {
        var store = new MemoryObjectStore();
        var numbers = Enumerable.Range(0, logs).SelectMany(log => new[] { (ulong)log * 4096, ((ulong)log * 4096) + 1, (ulong)(log + 1) * 4096 - 1 }).ToArray();
        foreach (var number in numbers)
        {
            await PutAsync(store, new Timeline(3), number, WalSample.Small);
        }

        foreach (var key in new[] { "00000002.history", "00000003/00000000/notes", "00000003/README", "notes/00000000/000000030000000000000FFF", "00000003/0/x" })
        {
            await store.PutAsync(RepositoryLayout.WalPrefix(Service) + key, Array.Empty<byte>(), PutMode.CreateNew, default);
        }

        // With segments of 1 MiB the last part of a name goes to FFF; what lies beyond is no segment of this cluster.
        await store.PutAsync(RepositoryLayout.WalPrefix(Service) + "00000003/00000000/000000030000000000001000", Array.Empty<byte>(), PutMode.CreateNew, default);

        var found = await new WalListing(Service, WalSample.Small, keepsSizes: false).ReadAsync(store, default);

        Assert.Equal([2u, 3u], found.Keys.Select(t => t.Value).Order());
        Assert.Equal([true, false], found.OrderBy(t => t.Key).Select(t => t.Value.HasHistory));
        Assert.Equal(numbers, found[new Timeline(3)].Runs.Runs.SelectMany(run => Enumerable.Range(0, (int)run.Count).Select(i => run.First + (ulong)i)));
    }

    [Fact]
    public async Task A_large_archive_takes_memory_for_its_gaps_and_not_for_its_segments()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("PITR_TEST_ARCHIVE_SEGMENTS") ?? "20000", CultureInfo.InvariantCulture);
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushSegmentAsync("000000010000000000000000");
        MakeSegments(scenario, count);
        File.Delete(scenario.PathOf(scenario.KeyOf("00000001000000000000000A")));
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var started = TimeProvider.System.GetTimestamp();

        var inventory = await new WalArchive(scenario.Service).ListAsync(default);

        var took = TimeProvider.System.GetElapsedTime(started);
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{count} segments listed in {took.TotalSeconds:0.00} s, {kept >> 10} KiB kept");
        Assert.Equal([10L, count - 11], inventory.Timelines.Single().Spans.Select(s => s.Count));
        // 24 bytes of a name for each would be more.
        Assert.InRange(kept, long.MinValue, Math.Max(4 << 20, count * 2));
    }

    static void MakeSegments(Scenario scenario, int count)
    {
        for (var number = 1; number < count; number++)
        {
            var path = scenario.PathOf(scenario.KeyOf(WalSegmentName.FromNumber(One, (ulong)number, WalSample.Small).ToString()));
            if (number % (int)WalSample.Small.SegmentsPerLog == 0)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            }

            File.Create(path).Dispose();
        }
    }

    static readonly ServiceName Service = ServiceName.Parse("main");

    static Task PutAsync(IObjectStore store, Timeline timeline, ulong number, WalSegmentSize size) => store.PutAsync(
        RepositoryLayout.Wal(Service, WalFileName.ForSegment(WalSegmentName.FromNumber(timeline, number, size))), Array.Empty<byte>(), PutMode.CreateNew, default);

    static int Number(WalSegmentName name) => (int)name.Number(WalSegmentSize.Default);

    static int SizeOf(int number) => 1000 + (number * 7);

    static DateTimeOffset StoredAt(int number, int repository) => Scenario.Start.AddMinutes((number * 10) + repository);

    static DateTimeOffset Newest(int[][] held, int[] span) =>
        span.SelectMany(number => held.Select((numbers, repository) => (numbers, repository)).Where(h => h.numbers.Contains(number)).Select(h => StoredAt(number, h.repository))).Max();
}
