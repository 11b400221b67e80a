using Pitr.Operations.Configuration;
using Pitr.Operations.Services;

namespace Pitr.Operations.Agent;

/// <summary>Pays what services whose backups are dumps owe their repositories, for as long as the agent runs.</summary>
public sealed class DumpDebts : IAsyncDisposable
{
    readonly List<(DumpService Service, DebtCollector Collector)> _collectors;

    DumpDebts(List<(DumpService Service, DebtCollector Collector)> collectors) => _collectors = collectors;

    /// <summary>Begins at once, for every such service that has a repository it need not wait for.</summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="open">Opens a service.</param>
    public static DumpDebts Start(PitrConfiguration configuration, Func<string, DumpService> open)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(open);
        return new DumpDebts([.. configuration.Services.Values
            .Where(settings => settings is DumpServiceSettings && settings.RequiredRepositories < settings.Repositories.Count)
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
