using Pitr.Operations.Configuration;
using Pitr.Storage;
using Pitr.Storage.Retry;
using Serilog;

namespace Pitr.Operations.Services;

/// <summary>Turns a configured repository into a store that keeps its limits and retries what may pass by itself.</summary>
public static class RepositoryOpener
{
    /// <summary>Opens one repository. Nothing is asked, started or revealed before the first operation.</summary>
    /// <param name="settings">Which one.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Told of each retry.</param>
    /// <param name="onTrouble">Told why something is tried again, before it is given up.</param>
    public static IObjectStore Open(RepositorySettings settings, TimeProvider clock, ILogger log, Action<string>? onTrouble = null) => new RetryingObjectStore(
        new DeferredObjectStore(
            settings.Name,
            settings.Url,
            () => ObjectStoreFactory.Open(settings.Name, settings.Driver.ToOptions(), clock)),
        new RetryPolicy(settings.Retry.Deadline, settings.Retry.FirstDelay, settings.Retry.MaxDelay),
        clock,
        notice =>
        {
            log.Warning("repository {Repository}: {Notice}", settings.Name, notice);
            onTrouble?.Invoke(notice.Error.Reason);
        });
}
