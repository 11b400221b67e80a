using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Window;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Tests.Streaming;

/// <summary>What the archive, the window and a plan make of a segment that lies in pieces.</summary>
public class StreamedInventoryTests
{
    const string Last = "000000010000000000000005";

    static readonly DateTimeOffset Commit = Scenario.Start.AddMinutes(10);

    [Fact]
    public async Task The_last_segment_counts_as_far_as_it_goes()
    {
        await using var scenario = await StartAsync();
        await new StreamedSegment(scenario, Last, 5, Commit).StoreAsync(0, 8192, 20000);

        var timeline = Assert.Single((await new WalArchive(scenario.Service).ListAsync(default)).Timelines);
        Assert.Equal(new WalTail(WalSegmentName.Parse(Last), 20000), timeline.Tail);
        Assert.Equal(new Lsn((5UL << 20) + 20000), timeline.EndLsn(WalSample.Small));
        Assert.Equal(WalSegmentName.Parse(Last), Assert.Single(timeline.Spans).Last);
        Assert.Equal(4, timeline.Spans[0].Count);

        var window = await new RecoveryWindowReader(scenario.Service).ReadAsync(default);
        Assert.Equal(Commit, window.LastCommit);
        Assert.Equal(Commit, Assert.Single(window.Spans).To);

        var plan = await PlanAsync(scenario, RecoveryTarget.Latest);
        Assert.Equal(WalSegmentName.Parse(Last), plan.LastWal);
        Assert.Equal(Commit, plan.LastCommit);
    }

    [Fact]
    public async Task A_commit_counts_as_soon_as_it_is_stored()
    {
        await using var scenario = await StartAsync();
        // Its page is not full yet.
        await new StreamedSegment(scenario, Last, 5, Commit).StoreAsync(0, 80);
        Assert.Equal(Commit, (await new RecoveryWindowReader(scenario.Service).ReadAsync(default)).LastCommit);
    }

    [Fact]
    public async Task A_target_behind_the_last_piece_is_refused()
    {
        await using var scenario = await StartAsync();
        await new StreamedSegment(scenario, Last, 5, Commit).StoreAsync(0, 8192, 20000);

        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => PlanAsync(scenario, RecoveryTarget.AtLsn(new Lsn((5UL << 20) + 20000))));
        Assert.Contains("is not reached", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unfinished_segment_in_the_middle_is_a_gap_and_a_whole_one_is_none()
    {
        await using var scenario = await StartAsync();
        var middle = new StreamedSegment(scenario, Last, 5);
        await middle.StoreAsync(0, 8192, 1 << 19);
        await scenario.PushRunAsync(1, 6, 7);
        Assert.Equal(2, (await ListAsync(scenario)).Spans.Count);

        await middle.StoreAsync(1 << 19, 1 << 20);
        var timeline = await ListAsync(scenario);
        Assert.Null(timeline.Tail);
        Assert.Equal(6, Assert.Single(timeline.Spans).Count);
    }

    [Fact]
    public async Task Pieces_without_their_beginning_count_for_nothing()
    {
        await using var scenario = await StartAsync();
        var segment = new StreamedSegment(scenario, Last, 5, Commit);
        await segment.StoreAsync(0, 8192, 20000);
        File.Delete(scenario.PathOf(segment.KeyOf(0, 8192)));
        var timeline = await ListAsync(scenario);
        Assert.Null(timeline.Tail);
        Assert.Equal("000000010000000000000004", timeline.Spans[^1].Last.ToString());
    }

    static async Task<Scenario> StartAsync()
    {
        var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 2, 4, n => n == 4 ? [Scenario.Start.AddMinutes(2)] : []);
        await scenario.PutBackupAsync(Scenario.Start, 2, 3);
        return scenario;
    }

    static async Task<WalTimeline> ListAsync(Scenario scenario) => Assert.Single((await new WalArchive(scenario.Service).ListAsync(default)).Timelines);

    static Task<RestorePlan> PlanAsync(Scenario scenario, RecoveryTarget target) =>
        new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(target), default);
}
