using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Tests.Wal;

namespace Pitr.Operations.Tests.Restore;

/// <summary>
/// Targets whose records lie in two segments. The archive: segments 1 to 8 of 1 MiB, in each a commit; that of transaction 1005 begins 24 bytes before the end
/// of segment 5, and a restore point 40 bytes before the end of segment 6. A backup over segment 2.
/// </summary>
public class WalTargetFinderTests
{
    static readonly DateTimeOffset Start = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_segment_in_which_the_record_ends_is_needed()
    {
        await using var scenario = await Scenario.StartAsync();
        var commit = await FillAsync(scenario);

        Assert.Equal(Name(6), (await PlanAsync(scenario, RecoveryTarget.AtXid(1005))).LastWal.ToString());
        Assert.Equal(Name(7), (await PlanAsync(scenario, RecoveryTarget.AtName("over the border"))).LastWal.ToString());
        Assert.Equal(Name(6), (await PlanAsync(scenario, RecoveryTarget.AtLsn(commit, inclusive: false))).LastWal.ToString());
        Assert.Equal(Name(6), (await PlanAsync(scenario, RecoveryTarget.AtTime(Start.AddMinutes(5), inclusive: false))).LastWal.ToString());
    }

    [Fact]
    public async Task Without_that_segment_the_target_is_refused()
    {
        await using var scenario = await Scenario.StartAsync();
        var commit = await FillAsync(scenario);
        foreach (var number in new[] { 6, 7, 8 })
        {
            File.Delete(scenario.PathOf(scenario.KeyOf(Name(number))));
        }

        await Assert.ThrowsAsync<ImpossiblePlanException>(() => PlanAsync(scenario, RecoveryTarget.AtXid(1005)));
        var error = await Assert.ThrowsAsync<ImpossiblePlanException>(() => PlanAsync(scenario, RecoveryTarget.AtLsn(commit)));
        var offered = error.Hint!.Split("--target-lsn ")[1].Split(';')[0];
        Assert.Equal(Name(5), (await PlanAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse(offered)))).LastWal.ToString());
        // The last commit that can be replayed is that before.
        Assert.Equal(Start.AddMinutes(4), (await PlanAsync(scenario, RecoveryTarget.Latest)).LastCommit);
    }

    static async Task<Lsn> FillAsync(Scenario scenario)
    {
        var wal = new WalStream(systemIdentifier: WalSample.SystemIdentifier);
        Lsn spanning = default;
        for (var n = 1; n <= 8; n++)
        {
            if (n == 5)
            {
                wal.FillUntil(24);
                spanning = wal.Commit(1005, Start.AddMinutes(5));
                continue;
            }

            wal.Commit((uint)(1000 + n), Start.AddMinutes(n));
            if (n == 6)
            {
                wal.FillUntil(40);
                wal.RestorePoint("over the border", Start.AddMinutes(6));
                continue;
            }

            wal.Switch();
        }

        foreach (var (name, content) in wal.Segments())
        {
            await scenario.Push.PushAsync(scenario.Write(name.ToString(), content), default);
        }

        await scenario.PutBackupAsync(Start, 2, 2);
        return spanning;
    }

    static Task<RestorePlan> PlanAsync(Scenario scenario, RecoveryTarget target) => new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(target), default);

    static string Name(int number) => WalSegmentName.FromNumber(new Timeline(1), (ulong)number, WalSample.Small).ToString();
}
