using Pitr.Operations.Agent;
using Pitr.Operations.Services;
using Serilog.Core;

namespace Pitr.Operations.Tests.Agent;

/// <summary>What an agent does before its first request.</summary>
public class WarmingUpTests
{
    [Fact]
    public async Task Where_the_cluster_lives_a_data_key_is_made_and_nothing_else_is_stored()
    {
        await using var scenario = await Scenario.StartAsync();
        Directory.CreateDirectory(scenario["data"]);
        await using var handler = Handler(() => scenario.Open(change: s => s with { DataDirectory = scenario["data"] }));

        handler.Warm(["main"]);
        await handler.Warmed;

        Assert.Single(await scenario.KeysAsync(prefix: "keys/"));
        Assert.Empty(await scenario.KeysAsync(prefix: "services/main/wal/"));
        Assert.DoesNotContain("services/main/service.json", await scenario.KeysAsync());
        Assert.Equal(0, handler.Tally.Archived);
    }

    [Fact]
    public async Task Elsewhere_the_repositories_are_left_alone()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var handler = Handler(() => scenario.Open(change: s => s with { DataDirectory = scenario["not here"] }));

        handler.Warm(["main"]);
        await handler.Warmed;

        Assert.Equal(["repository.json"], await scenario.KeysAsync());
    }

    [Fact]
    public async Task A_service_that_is_not_ready_stops_nothing()
    {
        await using var scenario = await Scenario.StartAsync();
        await using var handler = Handler(() => throw new Pitr.Operations.Errors.RepositoryUnavailableException("not mounted"));

        handler.Warm(["main"]);

        await handler.Warmed;
    }

    static ArchiveRequestHandler Handler(Func<PostgresService> open) => new((_, _) => open(), new Failures(), Logger.None);

    sealed class Failures : IArchiveFailures
    {
        public ArchiveResponse OfPush(Exception failure) => new(7, failure.Message);

        public ArchiveResponse OfGet(Exception failure, bool standby) => new(126, failure.Message);
    }
}
