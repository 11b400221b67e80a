using Pitr.Operations.Configuration;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>One configured service of kind files, opened: trees of files of this host.</summary>
public sealed class FilesService : PackedService
{
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="name">Name of a service of kind files.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Where retries and events are reported.</param>
    /// <param name="askPassphrase">Asked when the identity is passphrase-protected and the configuration has no passphrase.</param>
    /// <exception cref="ConfigurationException">No such service, or one of another kind.</exception>
    public FilesService(PitrConfiguration configuration, string name, TimeProvider clock, ILogger log, Func<string?>? askPassphrase = null)
        : this(configuration, name, clock, log, askPassphrase, openRepository: null)
    {
    }

    /// <summary>For tests: takes repositories that fail as told.</summary>
    internal FilesService(
        PitrConfiguration configuration, string name, TimeProvider clock, ILogger log, Func<string?>? askPassphrase, Func<RepositorySettings, IObjectStore>? openRepository)
        : base(configuration, configuration.FilesService(name), clock, log, askPassphrase, openRepository) =>
        Settings = configuration.FilesService(name);

    /// <summary>This service's part of the configuration.</summary>
    public FilesServiceSettings Settings { get; }

    /// <inheritdoc/>
    public override BackupSettings Backup => Settings.Backup;
}
