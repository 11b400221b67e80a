using Pitr.Operations.Backup;
using Pitr.Operations.Restore;
using Pitr.Operations.Tests.Backup;
using Pitr.Postgres.Recovery;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Restore;

/// <summary>A restore that was killed goes on where it was, when what it left behind can be believed.</summary>
public class InterruptedRestoreTests
{
    const int Packs = 6;

    [Fact]
    public async Task Packs_that_were_written_are_not_fetched_again()
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await InterruptAsync(scenario);

        var (prepared, reads) = await RepeatAsync(scenario, plan);

        Assert.InRange(prepared, 1, Packs);
        Assert.InRange(reads, 1, plan.Backup.Packs.Count - prepared);
        ExistingClusterTests.RequireSame(scenario["data"], files);
    }

    [Theory]
    [InlineData("removed")]
    [InlineData("shortened")]
    [InlineData("linked")]
    public async Task When_something_is_not_as_it_was_left_everything_is_compared(string what)
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await InterruptAsync(scenario);
        var whole = files.Select(f => Path.Combine(scenario["data"], f.Path)).First(p => File.Exists(p) && File.GetLastWriteTimeUtc(p) == SyntheticBackup.Modified.UtcDateTime && new FileInfo(p).Length > 0);
        if (what == "shortened")
        {
            File.WriteAllBytes(whole, [1, 2, 3]);
        }
        else
        {
            File.Move(whole, scenario["moved"]);
            if (what == "linked")
            {
                File.CreateSymbolicLink(whole, scenario["moved"]);
            }
        }

        var (_, reads) = await RepeatAsync(scenario, plan);

        Assert.Equal(plan.Backup.Packs.Count, reads);
        ExistingClusterTests.RequireSame(scenario["data"], files);
    }

    [Theory]
    [InlineData("boot ", "boot 00000000-0000-0000-0000-000000000000")]
    [InlineData("manifest ", "manifest 0000")]
    public async Task After_a_crash_of_the_machine_or_for_another_backup_it_begins_anew(string line, string other)
    {
        await using var scenario = await Scenario.StartAsync();
        var (plan, files) = await InterruptAsync(scenario);
        var mark = scenario["data/" + RestoreMark.FileName];
        File.WriteAllLines(mark, File.ReadAllLines(mark).Select(l => l.StartsWith(line, StringComparison.Ordinal) ? other : l));

        var (prepared, reads) = await RepeatAsync(scenario, plan);

        Assert.Equal(0, prepared);
        Assert.Equal(plan.Backup.Packs.Count, reads);
        ExistingClusterTests.RequireSame(scenario["data"], files);
    }

    // Each pack has a few files; the last ones are cut off.
    static async Task<(RestorePlan Plan, SyntheticFile[] Files)> InterruptAsync(Scenario scenario)
    {
        var files = SyntheticBackup.Around([.. Enumerable.Range(0, Packs * 5).Select(n => SyntheticFile.File($"global/{n}", SyntheticFile.Noise(RecordDraft.Capacity, n)))]);
        var small = BackupRoundTripTests.Open(scenario, 1, 1 << 20);
        var plan = await ClusterRestoreTests.PlanAsync(scenario, RecoveryTarget.Latest, files, small);
        scenario.Store.Inject(StoreFault.CutRead(10).On(k => k == plan.Backup.Packs[^2].Key));
        await Assert.ThrowsAsync<StorageException>(() => new ClusterRestore(small).RunAsync(plan, scenario["data"], ClusterRestoreTests.Options, null, default));
        Assert.NotEmpty(RestoreMark.TryRead(scenario["data"])!.Packs);
        return (plan, files);
    }

    static async Task<(int Written, int Reads)> RepeatAsync(Scenario scenario, RestorePlan plan)
    {
        ReadRecorder? recorder = null;
        await using var service = scenario.Open(wrap: store => recorder = new ReadRecorder(store));
        var restore = new ClusterRestore(service);
        using var prepared = await restore.PrepareAsync(plan, scenario["data"], ClusterRestoreTests.Options, default);
        var written = prepared.WrittenPacks;
        await restore.RunAsync(prepared, null, default);
        return (written, recorder!.Reads.Count(r => r.Key.Contains("/packs/", StringComparison.Ordinal)));
    }
}
