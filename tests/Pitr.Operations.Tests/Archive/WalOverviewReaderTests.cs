using Pitr.Format.Wal;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Tests.Archive;

public class WalOverviewReaderTests
{
    static string Name(uint timeline, ulong number) => WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString();

    static DateTimeOffset At(ulong number) => Scenario.Start.AddMinutes(number);

    // Timeline 1 has 2 to 9, of which 5 is gone and 4 and 6 hold no commits; timeline 2 leaves it in segment 8.
    static async Task<Scenario> StartAsync()
    {
        var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 2, 9, number => number is 4 or 6 ? [] : [At(number)]);
        await scenario.PushRunAsync(2, 8, 10, number => [At(number + 20)]);
        await scenario.PushTextAsync("00000002.history", WalSample.History((1, new Lsn((8UL << 20) + 4711))));
        File.Delete(scenario.PathOf(scenario.KeyOf(Name(1, 5))));
        return scenario;
    }

    [Fact]
    public async Task Gaps_have_the_commits_around_them_and_timelines_their_branch_and_last_commit()
    {
        await using var scenario = await StartAsync();

        var overview = await new WalOverviewReader(scenario.Service).ReadAsync(default);

        var gap = Assert.Single(overview.Gaps);
        Assert.Equal((Name(1, 5), Name(1, 5), 1L), (gap.Gap.First.ToString(), gap.Gap.Last.ToString(), gap.Gap.Count));
        Assert.Equal((At(3), At(7)), (gap.CommitBefore, gap.CommitAfter));
        Assert.Equal([gap], overview.GapsOf(new Timeline(1)));
        Assert.Empty(overview.GapsOf(new Timeline(2)));
        Assert.Equal([At(9), At(30)], overview.LastCommits.OrderBy(c => c.Key).Select(c => c.Value));
        Assert.Equal(new WalBranch(new Timeline(1), new Lsn((8UL << 20) + 4711), WalSegmentName.Parse(Name(2, 8))), Assert.Single(overview.Branches).Value);
        Assert.Null(overview.BranchesUnknown);
    }

    [Fact]
    public async Task What_is_missing_at_a_branch_is_a_gap_of_the_timeline_it_is_needed_from()
    {
        await using var scenario = await StartAsync();
        foreach (var (timeline, number) in new[] { (1u, 7ul), (1u, 8ul), (1u, 9ul), (2u, 8ul) })
        {
            File.Delete(scenario.PathOf(scenario.KeyOf(Name(timeline, number))));
        }

        var overview = await new WalOverviewReader(scenario.Service).ReadAsync(default);

        Assert.Equal([Name(1, 5), Name(1, 7), Name(2, 8)], overview.Gaps.Select(g => g.Gap.First.ToString()).Order(StringComparer.Ordinal));
        var parents = overview.Gaps.Single(g => g.Gap.First.ToString() == Name(1, 7));
        Assert.Equal((Name(1, 7), null), (parents.Gap.Last.ToString(), parents.CommitBefore));
        Assert.Equal(At(29), overview.Gaps.Single(g => g.Gap.First.ToString() == Name(2, 8)).CommitAfter);
    }

    [Fact]
    public async Task Without_an_identity_or_with_damaged_objects_it_says_less_and_does_not_fail()
    {
        await using var scenario = await StartAsync();
        var blind = await new WalOverviewReader(scenario.Open(state: "elsewhere", identity: null)).ReadAsync(default);
        Assert.Contains("00000002.history", blind.BranchesUnknown, StringComparison.Ordinal);
        Assert.Empty(blind.Branches);
        Assert.Equal(At(3), Assert.Single(blind.Gaps).CommitBefore);

        foreach (var name in new[] { Name(1, 3), Name(1, 9), "00000002.history" })
        {
            File.WriteAllBytes(scenario.PathOf(scenario.KeyOf(name)), []);
        }

        var damaged = await new WalOverviewReader(scenario.Service).ReadAsync(default);
        Assert.NotNull(damaged.BranchesUnknown);
        Assert.Equal((null, At(7)), (Assert.Single(damaged.Gaps).CommitBefore, damaged.Gaps[0].CommitAfter));
        Assert.Equal([2u], damaged.LastCommits.Keys.Select(t => t.Value));
    }
}
