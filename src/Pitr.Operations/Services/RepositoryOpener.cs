using Pitr.Operations.Configuration;
using Pitr.Storage;
using Pitr.Storage.Retry;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>Turns a configured repository into a store that retries what may pass by itself.</summary>
public static class RepositoryOpener
{
    /// <summary>Opens one repository.</summary>
    public static IObjectStore Open(RepositorySettings settings, TimeProvider clock, ILogger log) => new RetryingObjectStore(
        ObjectStoreFactory.Open(settings.Name, settings.Url),
        new RetryPolicy(settings.Retry.Deadline, settings.Retry.FirstDelay, settings.Retry.MaxDelay),
        clock,
        notice => log.Warning("repository {Repository}: {Notice}", settings.Name, notice));
}
