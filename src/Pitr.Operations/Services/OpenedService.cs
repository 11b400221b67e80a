using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Keys;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>
/// One configured service of any kind, opened: its settings, repositories and keys. Every operation on a service starts here.
/// </summary>
public abstract class OpenedService : IAsyncDisposable
{
    /// <summary>Opens nothing yet but objects; connections are made on first use.</summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="settings">The service in it.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Where retries and events are reported.</param>
    /// <param name="askPassphrase">Asked when the identity is passphrase-protected and the configuration has no passphrase.</param>
    /// <param name="openRepository">Opens a repository; null for the usual way.</param>
    private protected OpenedService(
        PitrConfiguration configuration, ServiceSettings settings, TimeProvider clock, ILogger log, Func<string?>? askPassphrase, Func<RepositorySettings, IObjectStore>? openRepository)
    {
        Configuration = configuration;
        Name = settings.ServiceName;
        Kind = settings.Kind;
        Retention = settings.Retention;
        Verify = settings.Verify;
        Clock = clock;
        Log = log.ForContext("Service", settings.Name);
        StateDirectory = Path.Combine(configuration.StateDirectory, "services", settings.Name);
        openRepository ??= repository => OpenRepository(repository, clock, Log);
        Repositories = new RepositorySet(
            [.. settings.Repositories.Select(r => openRepository(configuration.Repository(r)))],
            settings.RequiredRepositories,
            new DebtLedger(DebtLedger.DirectoryBelow(StateDirectory)),
            clock,
            Log);
        var cache = new DataKeyCache(StateDirectory, clock);
        SealingKeys = new DataKeyProvider(Name, Repositories, cache, () => RecipientFiles.Load(configuration.Encryption), StateDirectory, clock);
        OpeningKeys = new DataKeyRing(Name, Repositories, cache, () => IdentityFile.Load(configuration.Encryption, askPassphrase));
    }

    /// <summary>The whole configuration.</summary>
    public PitrConfiguration Configuration { get; }

    /// <summary>The service's name.</summary>
    public ServiceName Name { get; }

    /// <summary>What it is, as the configuration and the catalog write it.</summary>
    public string Kind { get; }

    /// <summary>Which of its backups stay.</summary>
    public RetentionSettings Retention { get; }

    /// <summary>How what is stored is verified.</summary>
    public VerifySettings Verify { get; }

    /// <summary>Source of time.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Log with the service's name attached.</summary>
    public ILogger Log { get; }

    /// <summary>This host's private files for the service: data key, locks, debts. No object is lost with it; what is owed has to be found by comparing repositories.</summary>
    public string StateDirectory { get; }

    /// <summary>Where the service is stored.</summary>
    public RepositorySet Repositories { get; }

    /// <summary>Keys that new objects are sealed with.</summary>
    public DataKeyProvider SealingKeys { get; }

    /// <summary>Keys that open what is stored.</summary>
    public DataKeyRing OpeningKeys { get; }

    static ObservedObjectStore OpenRepository(RepositorySettings settings, TimeProvider clock, ILogger log)
    {
        var health = new RepositoryHealth(clock);
        return new ObservedObjectStore(RepositoryOpener.Open(settings, clock, log, health.Fail), health, clock);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        SealingKeys.Dispose();
        OpeningKeys.Dispose();
        await Repositories.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
