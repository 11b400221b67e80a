using System.Text;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Groups;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Tests.Groups;

/// <summary>The order of steps and of the way back, with doubles of the services and real commands.</summary>
public sealed class GroupRestoreTests : IDisposable
{
    const string Id = "20261121T031500Z";

    readonly string _directory = Directory.CreateTempSubdirectory("pitr-group-").FullName;
    readonly List<string> _done = [];
    readonly HashSet<string> _failing = [];

    PitrConfiguration Configuration { get; }

    public GroupRestoreTests()
    {
        var path = Path.Combine(_directory, "pitr.yaml");
        File.WriteAllText(path, $$"""
            state-directory: {{_directory}}/state
            repositories: { local: { url: file:///r } }
            encryption: { recipients: [/a.pem] }
            applications: { start-command: [/bin/sh, -c, "echo start >>{{_directory}}/told"] }
            services:
              a: { kind: redis, repositories: [local] }
              b: { kind: redis, repositories: [local], after: [a] }
              c: { kind: redis, repositories: [local], after: [b] }
            """);
        Configuration = ConfigurationLoader.Load(path, _ => null);
    }

    GroupRestore Restore => new(Configuration, TimeProvider.System, name => new ComponentDouble(name, _done, _failing), progress: null);

    async Task RunAsync()
    {
        var components = new List<GroupComponent>();
        foreach (var name in ServiceOrder.Of(Configuration.Services))
        {
            var restore = new ComponentDouble(name, _done, _failing);
            components.Add(new GroupComponent(restore, await restore.PrepareAsync(null, Id, null, default)));
        }

        await Restore.RunAsync(Id, "latest", components, default);
    }

    [Fact]
    public async Task A_failure_goes_back_in_the_reverse_order_and_leaves_alone_what_was_not_begun()
    {
        _failing.Add("apply b");
        var error = await Assert.ThrowsAsync<RolledBackException>(RunAsync);
        Assert.Contains("restoring service b failed: no apply b", error.Message, StringComparison.Ordinal);
        Assert.Equal(["apply a", "apply b", "back b", "back a"], _done);
        Assert.Null(GroupJournal.TryRead(Configuration.StateDirectory));
        Assert.Equal(["start"], await File.ReadAllLinesAsync(Path.Combine(_directory, "told")));
        Restore.RequireNone();
    }

    [Fact]
    public async Task What_cannot_go_back_keeps_no_other_from_it_and_is_tried_again_by_itself()
    {
        _failing.UnionWith(["apply c", "back b"]);
        var error = await Assert.ThrowsAsync<RolledBackException>(RunAsync);
        Assert.Contains("rolling back failed: b: no back b", error.Message, StringComparison.Ordinal);
        Assert.Contains("applications are not started", error.Message, StringComparison.Ordinal);
        Assert.Equal("cure that, then: pitr restore --all --roll-back", error.Hint);
        Assert.False(File.Exists(Path.Combine(_directory, "told")));
        Assert.Throws<ImpossiblePlanException>(Restore.RequireNone);
        _done.Clear();
        _failing.Clear();
        await Restore.RollBackAsync();
        Assert.Equal(["back b"], _done);
        Restore.RequireNone();
    }

    [Fact]
    public async Task A_removal_that_was_interrupted_goes_on_and_there_is_no_way_back_any_more()
    {
        await RunAsync();
        Assert.Throws<ImpossiblePlanException>(Restore.RequireNone);
        _failing.Add("confirm b");
        await Assert.ThrowsAsync<ConflictException>(() => Restore.ConfirmAsync(default));
        await Assert.ThrowsAsync<ImpossiblePlanException>(() => Restore.RollBackAsync());
        _failing.Clear();
        _done.Clear();
        await Restore.ConfirmAsync(default);
        Assert.Equal(["confirm b", "confirm c"], _done);
        Restore.RequireNone();
    }

    [Fact]
    public async Task A_journal_that_cannot_be_read_is_no_journal_that_is_not_there()
    {
        Directory.CreateDirectory(GroupJournal.DirectoryOf(Configuration.StateDirectory));
        await File.WriteAllBytesAsync(GroupJournal.PathOf(Configuration.StateDirectory), Encoding.UTF8.GetBytes("{"));
        Assert.Throws<ImpossiblePlanException>(Restore.RequireNone);
    }

    [Fact]
    public void The_holder_of_the_lock_is_named()
    {
        using (GroupLock.Take(Configuration.StateDirectory, "backup --all", TimeProvider.System))
        {
            var error = Assert.Throws<BusyException>(() => GroupLock.Take(Configuration.StateDirectory, "restore --all", TimeProvider.System));
            Assert.Contains($"pitr backup --all, process {Environment.ProcessId}, since ", error.Message, StringComparison.Ordinal);
        }

        GroupLock.Take(Configuration.StateDirectory, "restore --all", TimeProvider.System).Dispose();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>A double of a service: notes what is done, and fails as told.</summary>
    sealed class ComponentDouble(string name, List<string> done, HashSet<string> failing) : IComponentRestore
    {
        public Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation) => Task.FromResult(
            new ComponentPlan(new ComponentRecord { Service = name, Kind = "redis", Backup = id, Phase = ComponentPhase.Waiting }, null, 0, "", []));

        public Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
        {
            work.Enter(ComponentPhase.Restoring);
            Do("apply");
            work.Enter(ComponentPhase.Restored);
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation) => Task.FromResult(Do("confirm"));

        public Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored) => Task.FromResult(Do("back"));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        IReadOnlyList<string> Do(string what)
        {
            done.Add($"{what} {name}");
            return failing.Contains($"{what} {name}") ? throw new ConflictException($"no {what} {name}") : [$"{what} {name}"];
        }
    }
}
