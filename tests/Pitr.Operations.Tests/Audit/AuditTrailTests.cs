using System.Diagnostics;
using Pitr.Format.Catalog;
using Pitr.Operations.Audit;
using Pitr.Storage;
using Pitr.Storage.Testing;
using Xunit;

namespace Pitr.Operations.Tests.Audit;

/// <summary>What has begun and not ended: running, gone or unknown, and never guessed.</summary>
public sealed class AuditTrailTests : IAsyncLifetime
{
    static readonly DateTimeOffset Morning = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    Scenario? _scenario;

    Scenario Scenario => _scenario!;

    public async Task InitializeAsync() => _scenario = await Scenario.StartAsync(repositories: 2, skipsWaits: true);

    public async Task DisposeAsync() => await Scenario.DisposeAsync();

    [Fact]
    public async Task Only_what_has_no_end_is_unfinished()
    {
        var trail = new AuditTrail(Scenario.Service);
        var (ended, open) = (AuditTrail.NewToken(), AuditTrail.NewToken());
        await trail.BeginAsync(Beginning(ended, Morning), default);
        await trail.BeginAsync(Beginning(open, Morning.AddMinutes(1)), default);
        await trail.WriteAsync(Record(ended, Morning.AddHours(1)), default);
        await trail.WriteAsync(Record(AuditTrail.NewToken(), Morning.AddHours(2)), default);

        var history = await ReadAsync(trail);
        Assert.Equal(2, history.Records.Count);
        var unfinished = Assert.Single(history.Unfinished);
        Assert.Equal(AuditTrail.IdOf(Morning.AddMinutes(1), open), unfinished.Beginning.Id);
        Assert.Equal(AuditState.Running, unfinished.State);
        Assert.Empty((await ReadAsync(trail, since: Morning.AddMinutes(2))).Unfinished);
        // Both kinds share the number that is asked for.
        Assert.Equal((1, 0), Counts(await ReadAsync(trail, most: 1)));
        Assert.Equal((2, 1), Counts(await ReadAsync(trail, most: 3)));
    }

    [Fact]
    public async Task A_process_that_is_gone_a_number_given_out_again_and_another_boot_are_told()
    {
        var own = AuditedProcess.Current()!;
        using var child = Process.Start("/bin/sleep", "600");
        var stat = await File.ReadAllTextAsync($"/proc/{child.Id}/stat");
        var sleeping = own with { Id = child.Id, Started = long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19]) };
        Assert.True(IsRunning(sleeping));
        child.Kill();
        await child.WaitForExitAsync();
        Assert.False(IsRunning(sleeping));
        Assert.True(IsRunning(own));
        Assert.False(IsRunning(own with { Started = own.Started - 1 }));
        Assert.False(IsRunning(own with { Boot = Guid.NewGuid().ToString() }));
        Assert.Null(IsRunning(own with { Namespace = "pid:[1]" }));
        Assert.Null(AuditedProcess.IsRunning(Beginning("1", Morning) with { Host = "elsewhere" }));
        Assert.Null(AuditedProcess.IsRunning(Beginning("1", Morning) with { Process = null }));

        static bool? IsRunning(AuditProcess process) => AuditedProcess.IsRunning(Beginning("1", Morning) with { Process = process });
    }

    [Fact]
    public async Task Gone_is_said_only_when_every_repository_that_may_hold_the_end_has_answered()
    {
        var trail = new AuditTrail(Scenario.Service);
        var beginning = Beginning(AuditTrail.NewToken(), Morning);
        await trail.BeginAsync(beginning with { Process = beginning.Process! with { Boot = "another" } }, default);
        Assert.Equal(AuditState.Gone, Assert.Single((await ReadAsync(trail)).Unfinished).State);

        Scenario.Stores[1].Inject(StoreFault.FailBefore(StoreOperation.List).Repeated(int.MaxValue));
        Assert.Equal(AuditState.Unknown, Assert.Single((await ReadAsync(trail)).Unfinished).State);
    }

    [Fact]
    public async Task The_trail_of_a_repository_is_apart_from_those_of_services()
    {
        var trail = new AuditTrail(Scenario.Service.Repositories, service: null, Scenario.Service.Log);
        var token = AuditTrail.NewToken();
        await trail.BeginAsync(Beginning(token, Morning) with { Service = null, Repository = "r1", Action = "repo-rm" }, default);
        await trail.WriteAsync(Record(token, Morning) with { Service = null, Repository = "r1", Action = "repo-rm" }, default);
        Assert.Equal("repo-rm", Assert.Single((await ReadAsync(trail)).Records).Action);
        Assert.Equal((0, 0), Counts(await ReadAsync(new AuditTrail(Scenario.Service))));
        Assert.Equal(2, (await Scenario.Store.ListAsync("audit/", ListMode.Recursive, default).ToArrayAsync()).Length);
    }

    static (int Records, int Unfinished) Counts(AuditHistory history) => (history.Records.Count, history.Unfinished.Count);

    static Task<AuditHistory> ReadAsync(AuditTrail trail, DateTimeOffset? since = null, int most = 50) => trail.ReadAsync(since, most, _ => true, _ => true, default);

    static AuditBeginning Beginning(string token, DateTimeOffset moment) => new()
    {
        Id = AuditTrail.IdOf(moment, token), Service = Scenario.ServiceName, Action = "backup", Started = moment, Host = Environment.MachineName, User = "postgres", PitrVersion = "0",
        Process = AuditedProcess.Current(),
    };

    static AuditRecord Record(string token, DateTimeOffset moment) => new()
    {
        Id = AuditTrail.IdOf(moment, token), Service = Scenario.ServiceName, Action = "backup", Started = moment, Ended = moment, Host = Environment.MachineName, User = "postgres",
        PitrVersion = "0", ExitCode = 0,
    };
}
