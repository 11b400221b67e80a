using Pitr.Operations.Verify;

namespace Pitr.Operations.Tests.Archive.Verify;

/// <summary>WAL that retention has removed is no finding; WAL that was lost is, also beside it.</summary>
public class ExpiredWalTests
{
    const int First = 5;

    // Two backups that retention keeps: an old one of segments 6 and 7, and the one that the window begins with, of 15 and 16.
    static async Task<(Scenario Scenario, WalStreamSample Wal)> StartAsync()
    {
        var scenario = await Scenario.StartAsync(repositories: 2);
        var wal = new WalStreamSample(First, 18);
        await wal.PushAsync(scenario);
        await scenario.PutBackupAsync(Scenario.Start.AddDays(-60), 6, 7);
        await scenario.PutBackupAsync(Scenario.Start.AddDays(-10), 15, 16);
        return (scenario, wal);
    }

    static void Lose(Scenario scenario, WalStreamSample wal, int repository, params int[] numbers)
    {
        foreach (var number in numbers)
        {
            File.Delete(scenario.PathOf(scenario.KeyOf(wal.Name(number - First)), repository));
        }
    }

    static int[] Expired => [5, .. Enumerable.Range(8, 7)];

    [Fact]
    public async Task What_is_removed_from_all_repositories_or_from_one_is_no_finding()
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        Assert.Empty((await scenario.VerifyAsync()).Findings);
        Lose(scenario, wal, 1, Expired);
        Assert.Empty((await scenario.VerifyAsync()).Findings);
        Lose(scenario, wal, 2, Expired);
        Assert.Empty((await scenario.VerifyAsync()).Findings);
    }

    [Theory]
    [InlineData(18, "000000010000000000000012")]
    [InlineData(16, "000000010000000000000010")]
    [InlineData(15, "000000010000000000000008")]
    [InlineData(7, "000000010000000000000007")]
    public async Task What_is_lost_beside_it_is_a_gap(int lost, string first)
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        Lose(scenario, wal, 1, [.. Expired, lost]);
        Lose(scenario, wal, 2, [.. Expired, lost]);

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.Gap, first), (finding.Kind, finding.Object));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(8)]
    [InlineData(14)]
    public async Task One_that_nothing_needs_is_a_gap_when_those_around_it_are_there(int lost)
    {
        var (scenario, wal) = await StartAsync();
        await using var _ = scenario;
        Lose(scenario, wal, 1, lost);
        Lose(scenario, wal, 2, lost);

        var finding = Assert.Single((await scenario.VerifyAsync()).Findings);

        Assert.Equal((FindingKind.Gap, wal.Name(lost - First)), (finding.Kind, finding.Object));
    }
}
