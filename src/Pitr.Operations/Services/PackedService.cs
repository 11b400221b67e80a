using Pitr.Operations.Configuration;
using Pitr.Storage;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>One configured service whose backups are packs with a manifest, opened: a PostgreSQL cluster, or trees of files.</summary>
public abstract class PackedService : OpenedService
{
    private protected PackedService(
        PitrConfiguration configuration, ServiceSettings settings, TimeProvider clock, ILogger log, Func<string?>? askPassphrase, Func<RepositorySettings, IObjectStore>? openRepository)
        : base(configuration, settings, clock, log, askPassphrase, openRepository)
    {
    }

    /// <summary>How packs are made.</summary>
    public abstract BackupSettings Backup { get; }
}
