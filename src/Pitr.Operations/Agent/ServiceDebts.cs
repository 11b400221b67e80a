using Pitr.Operations.Configuration;
using Pitr.Operations.Services;

namespace Pitr.Operations.Agent;

/// <summary>Pays what services without WAL owe their repositories, for as long as the agent runs.</summary>
public sealed class ServiceDebts : IAsyncDisposable
{
    readonly List<(OpenedService Service, DebtCollector Collector)> _collectors;

    ServiceDebts(List<(OpenedService Service, DebtCollector Collector)> collectors) => _collectors = collectors;

    /// <summary>Begins at once, for every such service that has a repository it need not wait for.</summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="open">Opens a service.</param>
    public static ServiceDebts Start(PitrConfiguration configuration, Func<string, OpenedService> open)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(open);
        return new ServiceDebts([.. configuration.Services.Values
            .Where(settings => settings is not PostgresServiceSettings && settings.RequiredRepositories < settings.Repositories.Count)
            .Select(settings => open(settings.Name))
            .Select(service => (service, new DebtCollector(service)))]);
    }

    /// <summary>Stops; what is not paid stays written down.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var (service, collector) in _collectors)
        {
            await collector.DisposeAsync();
            await service.DisposeAsync();
        }
    }
}
