using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive.Verify;
using Pitr.Operations.Errors;
using Pitr.Operations.Verify;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive.Verify;

/// <summary>An archive that is whole has no findings; whatever is planted in one is found.</summary>
public class WalVerificationTests
{
    static async Task<(Scenario Scenario, WalStreamSample Wal)> StartAsync(int repositories = 1, int count = 8)
    {
        var scenario = await Scenario.StartAsync(repositories);
        var wal = new WalStreamSample(5, count, switchAfter: 2, commitAt: Scenario.Start);
        await wal.PushAsync(scenario);
        return (scenario, wal);
    }

    [Fact]
    public async Task A_whole_archive_has_no_findings_and_every_copy_is_counted()
    {
        var (scenario, wal) = await StartAsync(repositories: 2);
        await using var _ = scenario;
        await scenario.PushTextAsync("000000010000000000000005.00000028.backup", WalSample.BackupHistory());

        var report = await scenario.VerifyAsync();

        Assert.Empty(report.Findings);
        Assert.True(report.Passed);
        Assert.Equal(8, report.Segments);
        Assert.All(report.Repositories, r => Assert.Equal((9, true), (r.Objects, r.Bytes > 8 << 20)));
    }

    [Fact]
    public async Task Any_flipped_bit_is_found_and_named()
    {
        var (scenario, wal) = await StartAsync(repositories: 2, count: 3);
        await using var _ = scenario;
        var key = scenario.KeyOf(wal.Name(1));
        var length = new FileInfo(scenario.PathOf(key)).Length;
        var random = new Random(7);
        foreach (var at in Enumerable.Range(0, 104).Where(i => i % 7 == 0).Select(i => (long)i).Concat(Enumerable.Range(0, 25).Select(_ => random.NextInt64(length))).Append(length - 1))
        {
            scenario.Damage(key, 2, at);
            var report = await scenario.VerifyAsync();
            var finding = Assert.Single(report.Findings);
            Assert.True(finding.Kind is FindingKind.Damaged or FindingKind.NoKey, $"byte {at}: {finding}");
            Assert.Equal(("r2", key, false), (finding.Repository, finding.Object, report.Passed));
            scenario.Damage(key, 2, at);
        }

        Assert.True((await scenario.VerifyAsync()).Passed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(104)]
    [InlineData(5000)]
    public async Task A_truncated_object_is_found(int length)
    {
        var (scenario, wal) = await StartAsync(count: 3);
        await using var _ = scenario;
        var path = scenario.PathOf(scenario.KeyOf(wal.Name(1)));
        await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path))[..length]);

        Assert.Equal(["Damaged"], (await scenario.VerifyAsync()).Kinds());
    }

    [Fact]
    public async Task A_missing_segment_is_a_gap_with_the_time_before_it()
    {
        var (scenario, wal) = await StartAsync(repositories: 2);
        await using var _ = scenario;
        foreach (var (repository, index) in new[] { (1, 3), (2, 3), (1, 4), (2, 4) })
        {
            File.Delete(scenario.PathOf(scenario.KeyOf(wal.Name(index)), repository));
        }

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.Gap, wal.Name(3)), (finding.Kind, finding.Object));
        Assert.Contains($"to {wal.Name(4)}: 2 segments", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_one_repository_lacks_is_found_unless_it_is_owed()
    {
        var (scenario, wal) = await StartAsync(repositories: 2);
        await using var _ = scenario;
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn(12UL << 20))));
        foreach (var name in new[] { wal.Name(2), wal.Name(3), wal.Name(7), "00000002.history" })
        {
            File.Delete(scenario.PathOf(scenario.KeyOf(name), 2));
        }

        var report = await scenario.VerifyAsync();
        Assert.Equal(["00000002.history", wal.Name(2), wal.Name(7)], report.Findings.Select(f => f.Object));
        Assert.All(report.Findings, f => Assert.Equal((FindingKind.Missing, "r2"), (f.Kind, f.Repository)));
        Assert.Contains("2 segments are missing here", report.Findings[1].Text, StringComparison.Ordinal);

        foreach (var name in new[] { wal.Name(3), wal.Name(7), "00000002.history" })
        {
            scenario.Service.Repositories.Debts.Owe("r2", scenario.KeyOf(name));
        }

        report = await scenario.VerifyAsync();
        Assert.Equal([wal.Name(2)], report.Findings.Select(f => f.Object));
        Assert.Equal([0L, 2L], report.Repositories.Select(r => r.Owed));
    }

    [Fact]
    public async Task Swapped_objects_are_found_both()
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        var (one, other) = (scenario.PathOf(scenario.KeyOf(wal.Name(4))), scenario.PathOf(scenario.KeyOf(wal.Name(6))));
        var content = await File.ReadAllBytesAsync(one);
        File.Move(other, one, overwrite: true);
        await File.WriteAllBytesAsync(other, content);

        var report = await scenario.VerifyAsync();

        Assert.Equal(["WrongContent", "WrongContent"], report.Kinds());
        Assert.Equal([scenario.KeyOf(wal.Name(4)), scenario.KeyOf(wal.Name(6))], report.Findings.Select(f => f.Object).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Another_clusters_segment_is_found_however_well_it_is_sealed()
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        await scenario.ForgeAsync(wal.Name(4), new WalStreamSample(9, 1, systemIdentifier: 42).Segment(0));

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal(FindingKind.Foreign, finding.Kind);
        Assert.Contains("42", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_segment_of_another_history_of_the_same_cluster_does_not_fit_its_neighbours()
    {
        var (scenario, wal) = await StartAsync(repositories: 2);
        await using var _ = scenario;
        var other = new WalStreamSample(9, 1, seed: 99).Segment(0);
        await scenario.ForgeAsync(wal.Name(4), other, 1);

        var report = await scenario.VerifyAsync();
        Assert.Contains("Differs", report.Kinds());

        await scenario.ForgeAsync(wal.Name(4), other, 2);
        report = await scenario.VerifyAsync();
        Assert.Equal(["BrokenChain", "BrokenChain"], report.Kinds());
        Assert.Equal([scenario.KeyOf(wal.Name(4)), scenario.KeyOf(wal.Name(5))], report.Findings.Select(f => f.Object).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_page_that_was_bad_before_it_was_archived_is_found()
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        var content = wal.Segment(4);
        content.AsSpan(40 * 8192, 8192).Clear();
        await scenario.ForgeAsync(wal.Name(4), content);

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.BrokenChain, scenario.KeyOf(wal.Name(4))), (finding.Kind, finding.Object));
        Assert.Contains($"{new Lsn((9UL << 20) + (40 * 8192))}", finding.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(700_000)]
    public async Task A_byte_that_was_wrong_before_it_was_archived_is_found(int at)
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        var content = wal.Segment(4);
        content[at] ^= 1;
        await scenario.ForgeAsync(wal.Name(4), content);

        Assert.Contains("BrokenChain", (await scenario.VerifyAsync()).Kinds());
    }

    [Fact]
    public async Task Whatever_lies_among_the_WAL_is_named()
    {
        var (scenario, wal) = await StartAsync(count: 2);
        await using var _ = scenario;
        foreach (var key in new[] { "notes", "00000001/00000000/notes", "00000001/00000000/000000010000000000001000", "00000001/00000000/000000010000000000000007.parts/notes" })
        {
            await scenario.Store.PutAsync(RepositoryLayout.WalPrefix(scenario.Service.Name) + key, new byte[1], PutMode.CreateNew, default);
        }

        Assert.Equal(["NotWal", "NotWal", "NotWal", "NotWal"], (await scenario.VerifyAsync()).Kinds());
    }

    [Fact]
    public async Task A_repository_that_fails_is_not_verified_and_the_other_is()
    {
        var (scenario, wal) = await StartAsync(repositories: 2, count: 4);
        await using var _ = scenario;
        scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.Read).On(key => key.EndsWith(wal.Name(2), StringComparison.Ordinal)).Repeated(10));

        var report = await scenario.VerifyAsync();

        Assert.Empty(report.Findings);
        Assert.False(report.Passed);
        Assert.Equal([true, false], report.Repositories.Select(r => r.Unanswered is null));
        Assert.Equal(4, report.Repositories[0].Objects);
    }

    [Fact]
    public async Task Without_a_key_nothing_is_verified()
    {
        var (scenario, _) = await StartAsync(count: 40);
        await using var disposed = scenario;

        await Assert.ThrowsAsync<KeyUnavailableException>(() => scenario.VerifyAsync(service: scenario.Open(state: "elsewhere", identity: null)));
    }

    [Fact]
    public async Task A_bound_leaves_out_what_is_before_it()
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        scenario.Damage(scenario.KeyOf(wal.Name(1)));
        File.Delete(scenario.PathOf(scenario.KeyOf(wal.Name(2))));

        Assert.Equal(["Damaged", "Gap"], (await scenario.VerifyAsync()).Kinds().Order());
        var since = await scenario.VerifyAsync(VerifyScenario.Everything with { SinceLsn = new Lsn((8UL << 20) + 77) });
        Assert.Equal((5, 0), (since.Segments, since.FindingCount));
        since = await scenario.VerifyAsync(VerifyScenario.Everything with { SinceTime = Scenario.Start.AddSeconds(3.5) });
        Assert.Equal((4, 0), (since.Segments, since.FindingCount));
        since = await scenario.VerifyAsync(VerifyScenario.Everything with { Timeline = new Timeline(2) });
        Assert.Equal((0, 0), (since.Segments, since.FindingCount));
    }

    [Fact]
    public async Task A_sample_verifies_so_many_and_sees_all_gaps()
    {
        var (scenario, wal) = await StartAsync(count: 30);
        await using var _ = scenario;
        File.Delete(scenario.PathOf(scenario.KeyOf(wal.Name(13))));

        var report = await scenario.VerifyAsync(VerifyScenario.Everything with { Sample = 7 });

        Assert.Equal((7, 7, "Gap"), (report.Segments, report.Repositories[0].Objects, Assert.Single(report.Kinds())));
    }
}
