using FsCheck;
using FsCheck.Fluent;
using Pitr.Format.Wal;
using Pitr.Operations.Drill;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Window;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Tests.Drill;

public class RandomTargetTests
{
    [Fact]
    public void Every_seed_gives_a_moment_inside_a_span_that_a_later_commit_proves() => Prop.ForAll<int, byte[]>((seed, gaps) =>
    {
        var spans = new List<RecoverySpan>();
        var at = Scenario.Start;
        foreach (var gap in gaps)
        {
            // Some of no length at all: a backup without a commit after it.
            at = at.AddSeconds(1);
            spans.Add(Span(at, at.AddMicroseconds(gap % 5), timeline: (uint)spans.Count + 1));
            at = at.AddMicroseconds(gap);
        }

        var chosen = RandomTarget.Choose(spans, seed);
        Assert.Equal(chosen?.Target, RandomTarget.Choose(spans, seed)?.Target);
        Assert.Equal(spans.Any(span => span.To > span.From), chosen is not null);
        if (chosen is not null)
        {
            Assert.Equal(RecoveryTargetKind.Time, chosen.Target.Kind);
            var span = spans[(int)uint.Parse(chosen.Timeline) - 1];
            Assert.True(chosen.Target.Time >= span.From && chosen.Target.Time < span.To, $"{chosen.Target} is not within {span}");
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_moment_is_as_likely_as_every_other()
    {
        // 10 and 30 microseconds: 40 moments, each hit 500 times on average; 5 standard deviations are 112.
        var spans = new[] { Span(Scenario.Start, Scenario.Start.AddMicroseconds(10)), Span(Scenario.Start.AddHours(1), Scenario.Start.AddHours(1).AddMicroseconds(30), 2) };
        var hits = Enumerable.Range(0, 20_000).GroupBy(seed => RandomTarget.Choose(spans, seed)!.Target.Time!.Value).ToDictionary(g => g.Key, g => g.Count());

        Assert.Equal(40, hits.Count);
        Assert.All(hits.Values, count => Assert.InRange(count, 500 - 112, 500 + 112));
    }

    [Fact]
    public async Task What_is_chosen_can_be_planned_and_a_gap_is_never_hit()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 9, number => [Minute(number + 0.5)]);
        File.Delete(scenario.PathOf(scenario.KeyOf(WalSegmentName.FromNumber(new Timeline(1), 5, WalSample.Small).ToString())));
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));
        await scenario.PutBackupAsync(Minute(7), 7, 7, stopTime: Minute(7));

        for (var seed = 0; seed < 20; seed++)
        {
            var request = await RandomTarget.ChooseAsync(scenario.Service, seed, default);
            Assert.True(request.Target.Time < Minute(4.5) || request.Target.Time >= Minute(7), $"{request.Target} lies in the gap");
            await new RestorePlanner(scenario.Service).PlanAsync(request, default);
        }
    }

    [Fact]
    public async Task Without_a_window_it_is_said_what_to_do()
    {
        await using var scenario = await Scenario.StartAsync();
        await scenario.PushRunAsync(1, 1, 4);
        await scenario.PutBackupAsync(Minute(2), 2, 3, stopTime: Minute(3));

        var refused = await Assert.ThrowsAsync<ImpossiblePlanException>(() => RandomTarget.ChooseAsync(scenario.Service, 1, default));
        Assert.Contains("no moment to choose", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--target latest", refused.Hint, StringComparison.Ordinal);
    }

    static DateTimeOffset Minute(double minute) => Scenario.Start.AddMinutes(minute);

    static RecoverySpan Span(DateTimeOffset from, DateTimeOffset to, uint timeline = 1) =>
        new(new Timeline(timeline), from, to, "20261121T030000Z", WalSegmentName.FromNumber(new Timeline(timeline), 9, WalSample.Small));
}
