using Pitr.Operations.Configuration;
using Pitr.Storage;
using Pitr.Storage.Retry;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>Turns a configured repository into a store that keeps its limits and retries what may pass by itself.</summary>
public static class RepositoryOpener
{
    /// <summary>Opens one repository. Nothing is asked, started or revealed before the first operation.</summary>
    public static IObjectStore Open(RepositorySettings settings, TimeProvider clock, ILogger log) => new RetryingObjectStore(
        new DeferredObjectStore(
            settings.Name,
            settings.Url,
            () => ObjectStoreFactory.Open(settings.Name, settings.Driver.ToOptions(), clock)),
        new RetryPolicy(settings.Retry.Deadline, settings.Retry.FirstDelay, settings.Retry.MaxDelay),
        clock,
        notice => log.Warning("repository {Repository}: {Notice}", settings.Name, notice));
}
