using Pitr.Operations.Configuration;
using Pitr.Storage;
using Pitr.Storage.Limits;
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
        Limited(Driver(settings, clock), settings.Limits, clock),
        new RetryPolicy(settings.Retry.Deadline, settings.Retry.FirstDelay, settings.Retry.MaxDelay),
        clock,
        notice =>
        {
            log.Warning(
                "repository {Repository}: {Operation} of {Key} is tried again in {Delay}, attempt {Attempt} failed: {Reason}",
                settings.Name,
                notice.Operation,
                notice.Key,
                ConfigurationUnits.Format(notice.Delay),
                notice.Attempt,
                notice.Error.Reason);
            onTrouble?.Invoke(notice.Error.Reason);
        });

    static DeferredObjectStore Driver(RepositorySettings settings, TimeProvider clock) => new(
        settings.Name, settings.Url, () => ObjectStoreFactory.Open(settings.Name, settings.Driver.ToOptions(), clock));

    static IObjectStore Limited(IObjectStore store, LimitSettings limits, TimeProvider clock)
    {
        if (limits.Upload is not null || limits.Download is not null)
        {
            store = new BandwidthLimitedObjectStore(store, Limit(limits.Upload, clock), Limit(limits.Download, clock));
        }

        // Outermost, so that who waits for a place has not paid for its bytes yet.
        return limits.Concurrency is { } operations ? new ConcurrencyLimitedObjectStore(store, operations) : store;
    }

    static BandwidthLimit? Limit(long? bytesPerSecond, TimeProvider clock) => bytesPerSecond is { } rate ? new BandwidthLimit(rate, clock) : null;
}
