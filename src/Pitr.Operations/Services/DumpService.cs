using Pitr.Operations.Configuration;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>One configured service whose backups are dumps, opened.</summary>
public sealed class DumpService : OpenedService
{
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="name">Name of a service of such a kind.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Where retries and events are reported.</param>
    /// <param name="askPassphrase">Asked when the identity is passphrase-protected and the configuration has no passphrase.</param>
    /// <param name="openRepository">For tests: takes repositories that fail as told.</param>
    /// <exception cref="ConfigurationException">No such service, or one of another kind.</exception>
    internal DumpService(
        PitrConfiguration configuration, string name, TimeProvider clock, ILogger log, Func<string?>? askPassphrase, Func<RepositorySettings, IObjectStore>? openRepository)
        : base(configuration, configuration.DumpService(name), clock, log, askPassphrase, openRepository) =>
        Settings = configuration.DumpService(name);

    /// <inheritdoc cref="DumpService(PitrConfiguration, string, TimeProvider, ILogger, Func{string?}, Func{RepositorySettings, IObjectStore})"/>
    public DumpService(PitrConfiguration configuration, string name, TimeProvider clock, ILogger log, Func<string?>? askPassphrase = null)
        : this(configuration, name, clock, log, askPassphrase, openRepository: null)
    {
    }

    /// <summary>This service's part of the configuration.</summary>
    public DumpServiceSettings Settings { get; }
}
