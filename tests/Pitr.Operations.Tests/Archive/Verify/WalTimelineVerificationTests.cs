using Pitr.Format.Wal;
using Pitr.Operations.Archive.Verify;
using Pitr.Operations.Verify;

namespace Pitr.Operations.Tests.Archive.Verify;

/// <summary>Histories, branch points and the segments around them.</summary>
public class WalTimelineVerificationTests
{
    // Timeline 2 leaves 1 at the beginning of segment 10, of which 1 has a different version; 3 leaves 2 in segment 12.
    static async Task<Scenario> StartAsync()
    {
        var scenario = await Scenario.StartAsync();
        var one = new WalStreamSample(5, 8, switchAfter: 4);
        await one.PushAsync(scenario);
        // The first record of a timeline links to the last one of its parent.
        var two = new WalStreamSample(10, 4, seed: 2, timeline: 2, switchAfter: 1, previous: one.LastSwitch);
        await two.PushAsync(scenario);
        await new WalStreamSample(12, 3, seed: 3, timeline: 3, previous: two.LastSwitch).PushAsync(scenario);
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn(10UL << 20))));
        await scenario.PushTextAsync("00000003.history", WalSample.History((1, new Lsn(10UL << 20)), (2, new Lsn(12UL << 20))));
        return scenario;
    }

    [Fact]
    public async Task Timelines_that_hang_together_have_no_findings()
    {
        await using var scenario = await StartAsync();

        Assert.Empty((await scenario.VerifyAsync()).Findings);
    }

    [Theory]
    [InlineData(9u, 1u)]
    [InlineData(10u, 2u)]
    [InlineData(11u, 2u)]
    [InlineData(12u, 3u)]
    public async Task A_segment_missing_at_a_branch_is_a_gap(uint number, uint timeline)
    {
        await using var scenario = await StartAsync();
        var name = WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();
        File.Delete(scenario.PathOf(scenario.KeyOf(name)));

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.Gap, name), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task A_timeline_that_does_not_follow_its_parent_is_found()
    {
        await using var scenario = await StartAsync();
        var other = new WalStreamSample(12, 3, seed: 3, timeline: 3);
        await scenario.ForgeAsync(other.Name(0), other.Segment(0));

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.BrokenChain, scenario.KeyOf(other.Name(0))), (finding.Kind, finding.Object));
    }

    [Fact]
    public async Task A_truncated_history_is_found_as_an_object_and_as_text()
    {
        await using var scenario = await StartAsync();
        var path = scenario.PathOf(scenario.KeyOf("00000003.history"));
        var whole = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, whole[..^5]);
        Assert.Equal(["Damaged"], (await scenario.VerifyAsync()).Kinds());

        foreach (var text in new[] { "1\t0/A000", "1\tnonsense\tx\n", "4\t0/A00000\tx\n" })
        {
            await scenario.ForgeAsync("00000003.history", System.Text.Encoding.UTF8.GetBytes(text));
            var kinds = (await scenario.VerifyAsync()).Kinds();
            Assert.True(kinds is ["WrongContent"] or ["Gap"], $"{text}: {string.Join(", ", kinds)}");
        }
    }

    [Fact]
    public async Task Histories_that_contradict_each_other_or_the_segments_are_found()
    {
        await using var scenario = await StartAsync();
        await scenario.ForgeAsync("00000003.history", System.Text.Encoding.UTF8.GetBytes(WalSample.History((1, new Lsn(9UL << 20)), (2, new Lsn(12UL << 20)))));
        Assert.Equal(["History"], (await scenario.VerifyAsync()).Kinds());

        await scenario.ForgeAsync("00000003.history", System.Text.Encoding.UTF8.GetBytes(WalSample.History((1, new Lsn(10UL << 20)), (2, new Lsn(13UL << 20)))));
        Assert.Contains("begins at 0/D00000", Assert.Single((await scenario.VerifyAsync()).Findings, f => f.Kind == FindingKind.History).Text, StringComparison.Ordinal);

        File.Delete(scenario.PathOf(scenario.KeyOf("00000003.history")));
        Assert.Contains("is in no repository", Assert.Single((await scenario.VerifyAsync()).Findings).Text, StringComparison.Ordinal);
    }
}
