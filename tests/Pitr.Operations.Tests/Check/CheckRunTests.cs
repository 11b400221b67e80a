using Pitr.Format.Layout;
using Pitr.Operations.Check;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Check;

/// <summary>The checks that need no server; the server is one that does not exist.</summary>
public class CheckRunTests
{
    [Fact]
    public async Task Everything_before_the_server_passes_on_a_good_set_up_and_leaves_nothing()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);

        var results = await RunAsync(scenario);

        Assert.Equal(["recipients", "identity", "repository r1", "repository r2", "server", "round trip"], results.Select(r => r.Name));
        Assert.Equal([true, true, true, true, false, false], results.Select(r => r.Passed));
        Assert.All(results, r => Assert.Equal(r.Passed, r.Fix is null));
        Assert.Contains("not tried", results[^1].Detail, StringComparison.Ordinal);
        Assert.Equal([RepositoryLayout.Repository], await scenario.KeysAsync(1));
        Assert.Equal([RepositoryLayout.Repository], await scenario.KeysAsync(2));
    }

    [Fact]
    public async Task Each_result_is_told_as_it_comes()
    {
        await using var scenario = await Scenario.StartAsync();
        var told = new List<CheckResult>();

        var results = await new CheckRun(Open(scenario), "pitr-archive").RunAsync(told.Add, default);

        Assert.Equal(results, told);
    }

    [Fact]
    public async Task A_place_that_is_no_repository_fails_with_what_to_do()
    {
        await using var scenario = await Scenario.StartAsync(repositories: 2);
        File.Delete(scenario.PathOf(RepositoryLayout.Repository, 2));

        var result = (await RunAsync(scenario)).Single(r => r.Name == "repository r2");

        Assert.False(result.Passed);
        Assert.Contains("pitr repo init r2", result.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "damaged")]
    [InlineData("{\"format\":9,\"repository-id\":\"a\",\"created\":\"2026-11-21T03:00:00Z\"}", "9")]
    public async Task A_repository_that_cannot_be_understood_fails(string document, string detail)
    {
        await using var scenario = await Scenario.StartAsync();
        File.WriteAllText(scenario.PathOf(RepositoryLayout.Repository), document);

        var result = (await RunAsync(scenario)).Single(r => r.Name == "repository r1");

        Assert.False(result.Passed);
        Assert.Contains(detail, result.Detail, StringComparison.Ordinal);
    }

    public static TheoryData<string, StoreFault> Faults => new()
    {
        { "put", StoreFault.FailBefore(StoreOperation.Put) },
        { "read", StoreFault.FailBefore(StoreOperation.Read).After(1) },
        { "other bytes", StoreFault.FlipBit(77).On(k => k.Contains("check-", StringComparison.Ordinal)) },
        { "delete", StoreFault.FailBefore(StoreOperation.Delete) },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_repository_that_cannot_write_read_and_delete_fails(string what, StoreFault fault)
    {
        await using var scenario = await Scenario.StartAsync();
        scenario.Store.Inject(fault);

        var result = (await RunAsync(scenario)).Single(r => r.Name == "repository r1");

        Assert.True(!result.Passed && result.Fix is not null, what);
    }

    [Fact]
    public async Task Keys_that_are_missing_or_do_not_belong_together_fail()
    {
        await using var scenario = await Scenario.StartAsync();
        scenario.WriteIdentity("stranger");

        var strange = await RunAsync(scenario, Open(scenario, identity: "stranger"));
        Assert.Contains("none of the recipients", strange.Single(r => r.Name == "identity").Detail, StringComparison.Ordinal);

        var without = await RunAsync(scenario, Open(scenario, identity: null));
        Assert.True(without.Single(r => r.Name == "identity").Passed);

        File.SetUnixFileMode(scenario["identity.pem"], UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var open = (await RunAsync(scenario)).Single(r => r.Name == "identity");
        Assert.False(open.Passed);
        Assert.Contains("chmod", open.Fix, StringComparison.Ordinal);

        File.Delete(scenario["identity.pub"]);
        Assert.False((await RunAsync(scenario)).Single(r => r.Name == "recipients").Passed);
    }

    static Task<IReadOnlyList<CheckResult>> RunAsync(Scenario scenario, PostgresService? service = null) =>
        new CheckRun(service ?? Open(scenario), "pitr-archive push main %p").RunAsync(null, default);

    static PostgresService Open(Scenario scenario, string? identity = "identity") =>
        scenario.Open(identity: identity, change: s => s with { Connection = $"Host={scenario.Root};Username=nobody" });
}
