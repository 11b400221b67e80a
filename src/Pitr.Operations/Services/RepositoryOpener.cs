using Pitr.Operations.Configuration;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Limits;
using Pitr.Storage.Retry;
using Serilog;
using Serilog.Events;

namespace Pitr.Operations.Services;

/// <summary>Turns a configured repository into a store that keeps its limits and retries what may pass by itself.</summary>
public static class RepositoryOpener
{
    // A repository that is down fails many operations many times over; a person needs to be told now and then.
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    /// <summary>Opens one repository. Nothing is asked, started or revealed before the first operation.</summary>
    /// <param name="settings">Which one.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="log">Told of each retry.</param>
    /// <param name="onTrouble">Told why something is tried again, before it is given up.</param>
    public static IObjectStore Open(RepositorySettings settings, TimeProvider clock, ILogger log, Action<string>? onTrouble = null)
    {
        var told = 0L;
        return new RetryingObjectStore(
            Limited(Driver(settings, clock), settings.Limits, clock),
            new RetryPolicy(settings.Retry.Deadline, settings.Retry.FirstDelay, settings.Retry.MaxDelay),
            clock,
            Tell);

        void Tell(RetryNotice notice)
        {
            var since = Interlocked.Read(ref told);
            var isNews = since == 0 || clock.GetElapsedTime(since) >= Quiet;
            if (isNews)
            {
                Interlocked.Exchange(ref told, clock.GetTimestamp());
            }

            log.Write(
                isNews ? LogEventLevel.Warning : LogEventLevel.Debug,
                "repository {Repository}: {Operation} of {Key} is tried again in {Delay}, attempt {Attempt} failed: {Reason}",
                settings.Name,
                notice.Operation,
                notice.Key,
                ConfigurationUnits.Format(notice.Delay),
                notice.Attempt,
                notice.Error.Reason);
            onTrouble?.Invoke(notice.Error.Reason);
        }
    }

    /// <summary>The directory of a repository that is one of this host, with what is no object; null for other kinds.</summary>
    public static FileTree? OpenTree(RepositorySettings settings, TimeProvider clock) =>
        settings.Driver is FileDriverSettings driver && driver.ToOptions() is FileStoreOptions options ? new FileTree(settings.Name, options.Directory, clock) : null;

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
