using Pitr.Format.Wal;
using Pitr.Operations.Archive.Verify;
using Pitr.Operations.Tests.Streaming;
using Pitr.Operations.Verify;
using Pitr.Postgres.Wal;
using Pitr.Storage;

namespace Pitr.Operations.Tests.Archive.Verify;

/// <summary>The segment that is being streamed is verified as far as it goes; whatever is planted in its pieces is found.</summary>
public class WalPieceVerificationTests
{
    const int Whole = 3;
    const int SegmentBytes = 1 << 20;

    static async Task<(Scenario Scenario, StreamedSegment Last)> StartAsync(int repositories = 1, int? required = null, params int[] ends)
    {
        var scenario = await Scenario.StartAsync(repositories, required: required);
        var wal = new WalStreamSample(5, Whole + 1, commitAt: Scenario.Start);
        for (var i = 0; i < Whole; i++)
        {
            await scenario.Push.PushAsync(scenario.Write(wal.Name(i), wal.Segment(i)), default);
        }

        var last = new StreamedSegment(scenario, wal.Name(Whole), wal.Segment(Whole));
        await last.StoreAsync(0, ends.Length > 0 ? ends : [8192, 100_000, 300_000, 300_100]);
        return (scenario, last);
    }

    static string Hole(StreamedSegment segment, int from, int to) => $"{segment.KeyOf(from, to)}";

    [Fact]
    public async Task Sound_pieces_have_no_findings_and_are_counted()
    {
        var (scenario, _) = await StartAsync(repositories: 2);
        await using var _1 = scenario;

        var report = await scenario.VerifyAsync();

        Assert.Empty(report.Findings);
        Assert.True(report.Passed);
        Assert.Equal(Whole + 1, report.Segments);
        Assert.All(report.Repositories, r => Assert.Equal((Whole + 4, 4, (Whole * (long)SegmentBytes) + 300_100), (r.Objects, r.Pieces, r.Bytes)));
    }

    [Fact]
    public async Task Wherever_the_stream_stands_is_no_damage()
    {
        var random = new Random(11);
        await using var scenario = await Scenario.StartAsync();
        var wal = new WalStreamSample(5, 2, commitAt: Scenario.Start);
        await scenario.Push.PushAsync(scenario.Write(wal.Name(0), wal.Segment(0)), default);
        var last = new StreamedSegment(scenario, wal.Name(1), wal.Segment(1));
        foreach (var end in new[] { 40, 41, 48, 8191, 8192, 8193, 8192 + 23, 8192 + 24, 8192 + 32, SegmentBytes - 1 }.Concat(Enumerable.Range(0, 20).Select(_ => random.Next(40, SegmentBytes))))
        {
            await last.StoreAsync(0, end);
            var report = await scenario.VerifyAsync();
            Assert.True(report.Passed, $"{end}: {string.Join("; ", report.Findings)}");
            File.Delete(scenario.PathOf(last.KeyOf(0, end)));
        }
    }

    [Fact]
    public async Task A_flipped_bit_is_found_and_the_piece_named()
    {
        var (scenario, last) = await StartAsync(repositories: 2);
        await using var _ = scenario;
        var key = last.KeyOf(8192, 100_000);
        var length = new FileInfo(scenario.PathOf(key, 2)).Length;
        var random = new Random(3);
        for (var i = 0; i < 20; i++)
        {
            var at = i == 0 ? length - 1 : random.NextInt64(length);
            scenario.Damage(key, 2, at);
            var report = await scenario.VerifyAsync();
            scenario.Damage(key, 2, at);
            var finding = Assert.Single(report.Findings);
            Assert.Equal(("r2", key, false), (finding.Repository, finding.Object, report.Passed));
            Assert.True(finding.Kind is FindingKind.Damaged or FindingKind.NoKey or FindingKind.WrongContent, $"byte {at}: {finding}");
        }

        Assert.True((await scenario.VerifyAsync()).Passed);
    }

    [Fact]
    public async Task A_piece_that_is_nowhere_is_a_gap()
    {
        var (scenario, last) = await StartAsync();
        await using var _ = scenario;
        File.Delete(scenario.PathOf(last.KeyOf(8192, 100_000)));

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.Gap, null, Hole(last, 8192, 100_000)), (finding.Kind, finding.Repository, finding.Object));
        Assert.Contains("2 pieces behind it", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_first_piece_all_others_are_worthless()
    {
        var (scenario, last) = await StartAsync();
        await using var _ = scenario;
        File.Delete(scenario.PathOf(last.KeyOf(0, 8192)));
        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);
        Assert.Equal((FindingKind.Gap, Hole(last, 0, 8192)), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task A_piece_that_one_of_two_required_repositories_lacks_is_missing_there()
    {
        var (scenario, last) = await StartAsync(repositories: 2);
        await using var _ = scenario;
        File.Delete(scenario.PathOf(last.KeyOf(300_000, 300_100)));
        // Nothing follows it: it may be on its way.
        Assert.True((await scenario.VerifyAsync()).Passed);

        File.Delete(scenario.PathOf(last.KeyOf(100_000, 300_000)));
        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);
        Assert.Equal((FindingKind.Missing, "r1", Hole(last, 100_000, 300_000)), (finding.Kind, finding.Repository, finding.Object));
    }

    [Fact]
    public async Task Where_one_of_two_is_required_pieces_may_lie_in_either()
    {
        var (scenario, last) = await StartAsync(repositories: 2, required: 1);
        await using var _ = scenario;
        // Who is not required is not waited for.
        await scenario.WaitAsync(last.KeyOf(0, 8192), last.KeyOf(8192, 100_000), last.KeyOf(100_000, 300_000), last.KeyOf(300_000, 300_100));
        File.Delete(scenario.PathOf(last.KeyOf(0, 8192), 1));
        File.Delete(scenario.PathOf(last.KeyOf(100_000, 300_000), 2));
        Assert.Empty((await scenario.VerifyAsync()).Findings);

        File.Delete(scenario.PathOf(last.KeyOf(100_000, 300_000), 1));
        Assert.Equal(["Gap"], (await scenario.VerifyAsync()).Kinds());
    }

    [Fact]
    public async Task Pieces_that_overlap_must_agree()
    {
        var (scenario, last) = await StartAsync();
        await using var _ = scenario;
        await last.StoreAsync(50_000, 200_000, 400_000);
        Assert.Empty((await scenario.VerifyAsync()).Findings);

        var other = (byte[])last.Content.Clone();
        other[250_000] ^= 1;
        await new StreamedSegment(scenario, last.Name.ToString(), other).StoreAsync(240_000, 260_000);
        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);
        Assert.Equal((FindingKind.Differs, last.KeyOf(240_000, 260_000)), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task A_piece_under_the_name_of_another_is_found()
    {
        var (scenario, last) = await StartAsync(ends: [8192, 16384, 24576]);
        await using var _ = scenario;
        File.Copy(scenario.PathOf(last.KeyOf(16384, 24576)), scenario.PathOf(last.KeyOf(8192, 16384)), overwrite: true);
        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);
        Assert.Equal((FindingKind.WrongContent, last.KeyOf(8192, 16384)), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task Pieces_of_another_cluster_and_what_is_no_piece_are_found()
    {
        var (scenario, last) = await StartAsync();
        await using var _ = scenario;
        const ulong foreign = 42;
        var wal = new WalStreamSample(20, 1, systemIdentifier: foreign);
        var planted = new StreamedSegment(scenario, wal.Name(0), wal.Segment(0), foreign);
        await planted.StoreAsync(0, 9000);
        await scenario.Store.PutAsync(last.KeyOf(0, 8192)[..^1], ObjectContent.FromMemory(new byte[10]), PutMode.CreateNew, default);

        var report = await scenario.VerifyAsync();

        Assert.Contains(report.Findings, f => f.Kind == FindingKind.Foreign && f.Object == planted.KeyOf(0, 9000));
        Assert.Contains(report.Findings, f => f.Kind == FindingKind.NotWal && f.Object == last.KeyOf(0, 8192)[..^1]);
    }

    [Fact]
    public async Task Pieces_must_follow_the_segment_before_them_and_have_sound_records()
    {
        await using var scenario = await Scenario.StartAsync();
        var wal = new WalStreamSample(5, 3);
        for (var i = 0; i < 2; i++)
        {
            await scenario.Push.PushAsync(scenario.Write(wal.Name(i), wal.Segment(i)), default);
        }

        var other = new WalStreamSample(7, 1, seed: 9);
        var stranger = new StreamedSegment(scenario, wal.Name(2), other.Segment(0));
        await stranger.StoreAsync(0, 200_000);
        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);
        Assert.Equal(FindingKind.BrokenChain, finding.Kind);
        Assert.Contains("does not follow", finding.Text, StringComparison.Ordinal);

        File.Delete(scenario.PathOf(stranger.KeyOf(0, 200_000)));
        var bad = wal.Segment(2);
        for (var at = 9000; WalSegmentProof.WalkBeginning(bad.AsSpan(0, 200_000), WalSegmentHeader.Parse(bad)).Damage is null; at += 1000)
        {
            // Most of the bytes are those of records that lie within the pieces.
            bad[at] ^= 1;
        }

        var damaged = new StreamedSegment(scenario, wal.Name(2), bad);
        await damaged.StoreAsync(0, 8192, 200_000);
        finding = Assert.Single((await scenario.VerifyAsync()).Findings);
        Assert.Equal((FindingKind.BrokenChain, damaged.KeyOf(0, 200_000)), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task A_segment_that_lies_in_pieces_wholly_is_no_gap()
    {
        await using var scenario = await Scenario.StartAsync();
        var wal = new WalStreamSample(5, 3);
        await scenario.Push.PushAsync(scenario.Write(wal.Name(0), wal.Segment(0)), default);
        await scenario.Push.PushAsync(scenario.Write(wal.Name(2), wal.Segment(2)), default);
        var middle = new StreamedSegment(scenario, wal.Name(1), wal.Segment(1));
        await middle.StoreAsync(0, 500_000);
        Assert.Equal(["Gap"], (await scenario.VerifyAsync()).Kinds());

        await middle.StoreAsync(500_000, SegmentBytes);
        var report = await scenario.VerifyAsync();
        Assert.Empty(report.Findings);
        Assert.Equal(3, report.Segments);

        // Once it is whole nobody looks at its pieces, which are on their way out.
        scenario.Damage(middle.KeyOf(0, 500_000));
        Assert.Equal(["Damaged"], (await scenario.VerifyAsync()).Kinds());
        await scenario.Push.PushAsync(scenario.Write(wal.Name(1), wal.Segment(1)), default);
        Assert.Empty((await scenario.VerifyAsync()).Findings);
    }
}
