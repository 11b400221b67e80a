using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Backup;
using Pitr.Postgres.Recovery;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Restore;

public class ClusterRestoreTests
{
    internal static readonly RestoreOptions Options = new(RecoveryAction.Promote, "'/opt/pitr-archive' get main %f %p", ArchiveOff: true);

    [Fact]
    public async Task A_restored_directory_recovers_to_the_target_when_it_is_started()
    {
        await using var scenario = await Scenario.StartAsync();
        var plan = await PlanAsync(scenario, RecoveryTarget.AtLsn(Lsn.Parse("0/2000028")));

        await new ClusterRestore(scenario.Service).RunAsync(plan, scenario["data"], Options, null, default);

        Assert.True(File.Exists(Path.Combine(scenario["data"], "recovery.signal")));
        Assert.False(File.Exists(Path.Combine(scenario["data"], ".pitr-restore-incomplete")));
        var settings = await File.ReadAllTextAsync(Path.Combine(scenario["data"], "postgresql.auto.conf"));
        Assert.Contains("recovery_target_lsn = '0/2000028'", settings, StringComparison.Ordinal);
        Assert.Contains("restore_command = '''/opt/pitr-archive'' get main %f %p'", settings, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_little_space_is_refused_before_anything_is_made()
    {
        await using var scenario = await Scenario.StartAsync();

        var error = Assert.Throws<ImpossiblePlanException>(() => RestoreSpace.Require([(scenario["new/data"], 1000, 0), (scenario["new/fast"], 1L << 60, 0)]));

        Assert.Contains($"{(1L << 60) + 1000}"[..6], error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scenario["new"]));
    }

    [Fact]
    public async Task A_failed_restore_stays_marked_and_has_no_recovery_settings()
    {
        await using var scenario = await Scenario.StartAsync();
        var plan = await PlanAsync(scenario, RecoveryTarget.Latest);
        scenario.Store.Inject(StoreFault.CutRead(10).On(k => k.Contains("/packs/", StringComparison.Ordinal)));

        await Assert.ThrowsAsync<StorageException>(() => new ClusterRestore(scenario.Service).RunAsync(plan, scenario["data"], Options, null, default));

        Assert.True(File.Exists(Path.Combine(scenario["data"], ".pitr-restore-incomplete")));
        Assert.False(File.Exists(Path.Combine(scenario["data"], "recovery.signal")));
        Assert.False(File.Exists(Path.Combine(scenario["data"], "global/pg_control")));
        await new ClusterRestore(scenario.Service).RunAsync(plan, scenario["data"], Options, null, default);
    }

    internal static async Task<RestorePlan> PlanAsync(Scenario scenario, RecoveryTarget target, SyntheticFile[]? files = null, PostgresService? service = null, DateTimeOffset? started = null)
    {
        files ??= SyntheticBackup.Around(SyntheticFile.File("global/1", SyntheticFile.Noise(5000, 1)));
        var backup = await SyntheticBackup.TakeAsync(service ?? scenario.Service, SyntheticBackup.Tar(files), started);
        const string Name = "000000010000000000000002";
        await scenario.Push.PushAsync(scenario.Write(Name, WalSample.Segment(Name, size: 16 << 20, commits: Scenario.Start.AddMinutes(1))), default);
        return await new RestorePlanner(scenario.Service).PlanAsync(new RestoreRequest(target, Backup: BackupId.Parse(backup.Id)), default);
    }
}
