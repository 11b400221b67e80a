using Pitr.Format.Layout;
using Pitr.Operations.Check;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Operations.Tests.Dumps;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Check;

/// <summary>The checks of a service whose backups are dumps; the server is a double.</summary>
public sealed class DumpCheckRunTests
{
    [Fact]
    public async Task Everything_passes_on_a_good_set_up_and_no_dump_is_left()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        var told = new List<CheckResult>();
        await using var source = new ScriptedDumpSource(("small", "exec echo hello"), ("endless", "exec cat /dev/zero"));

        var results = await new DumpCheckRun(scenario.OpenDumps(), source).RunAsync(told.Add, default);

        Assert.Equal(results, told);
        Assert.Equal(
            ["recipients", "identity", "repository r1", "repository r2", "backup lease", "data key", "server", "dump of small", "dump of endless"], results.Select(r => r.Name));
        Assert.All(results, r => Assert.True(r.Passed, r.ToString()));
        Assert.DoesNotContain(await scenario.KeysAsync(), key => RepositoryKey.Parse(key).Kind is RepositoryKeyKind.Dump or RepositoryKeyKind.DumpEntry or RepositoryKeyKind.Lock);
    }

    [Fact]
    public async Task A_tool_that_fails_says_why()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var source = new ScriptedDumpSource(("small", "echo 'permission denied' >&2; exit 3"));
        var failed = Assert.Single(await new DumpCheckRun(scenario.OpenDumps(), source).RunAsync(null, default), r => !r.Passed);
        Assert.Equal("dump of small", failed.Name);
        Assert.Contains("with code 3: permission denied", failed.Detail, StringComparison.Ordinal);
        Assert.NotNull(failed.Fix);
    }

    [Fact]
    public async Task A_lease_that_somebody_holds_and_a_repository_that_takes_nothing_are_said()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var source = new ScriptedDumpSource(("small", "exec echo hello"));
        await using (await RepositoryLease.AcquireAsync(scenario.OpenDumps("another"), BackupRemoval.BackupLease, default))
        {
            Assert.Equal("backup lease", Assert.Single(await new DumpCheckRun(scenario.OpenDumps(), source).RunAsync(null, default), r => !r.Passed).Name);
        }

        scenario.Store.Inject(StoreFault.FailBefore(StoreOperation.Put).Repeated(int.MaxValue));
        var failed = (await new DumpCheckRun(scenario.OpenDumps(), source).RunAsync(null, default)).Where(r => !r.Passed).ToArray();
        Assert.Equal(["repository r1", "backup lease", "data key"], failed.Select(r => r.Name));
        Assert.Contains("not tried", failed[1].Detail, StringComparison.Ordinal);
    }
}
