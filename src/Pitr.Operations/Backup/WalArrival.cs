using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>Waits until WAL that the server has finished is in the repositories of the service, as many as are required.</summary>
public sealed class WalArrival(PostgresService service)
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits for one file and reads it.</summary>
    /// <exception cref="RepositoryUnavailableException">It did not arrive within backup.wal-deadline.</exception>
    public Task<byte[]> WaitForFileAsync(WalFileName name, CancellationToken cancellation) =>
        WaitForFileAsync(name, service.Settings.Backup.WalDeadline, cancellation);

    /// <summary>Waits for one file, with a deadline of one's own, and reads it.</summary>
    public async Task<byte[]> WaitForFileAsync(WalFileName name, TimeSpan deadline, CancellationToken cancellation)
    {
        await WaitAsync(name, deadline, cancellation);
        return await new ArchiveGet(service).ReadAsync(name, cancellation)
            ?? throw new RepositoryUnavailableException($"{name} was there a moment ago and is no more");
    }

    /// <summary>Waits for every segment from first to last.</summary>
    /// <exception cref="RepositoryUnavailableException">One did not arrive within backup.wal-deadline.</exception>
    public async Task WaitForSegmentsAsync(WalSegmentName first, WalSegmentName last, WalSegmentSize size, CancellationToken cancellation)
    {
        for (var segment = first; ; segment = segment.Next(size))
        {
            await WaitAsync(WalFileName.Parse(segment.ToString()), service.Settings.Backup.WalDeadline, cancellation);
            if (segment.CompareTo(last) >= 0)
            {
                return;
            }
        }
    }

    /// <summary>Makes sure that one repository holds every segment from first to last, now.</summary>
    /// <exception cref="RepositoryUnavailableException">It lacks one, which may still be on its way.</exception>
    public async Task RequireSegmentsAsync(IObjectStore store, WalSegmentName first, WalSegmentName last, WalSegmentSize size, CancellationToken cancellation)
    {
        if (service.Repositories.Required == service.Repositories.Stores.Count)
        {
            // Every repository was waited for.
            return;
        }

        for (var segment = first; segment.CompareTo(last) <= 0; segment = segment.Next(size))
        {
            if (!await store.ExistsAsync(RepositoryLayout.Wal(service.Name, WalFileName.Parse(segment.ToString())), cancellation))
            {
                throw new RepositoryUnavailableException($"repository {store.Name} does not hold {segment} yet");
            }
        }
    }

    async Task WaitAsync(WalFileName name, TimeSpan deadline, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, name);
        var repositories = service.Repositories;
        using var limit = new CancellationTokenSource(deadline, service.Clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        // Each a task of its own: those that end at once may be one and the same else.
        var waiting = repositories.Stores.ToDictionary(store => Task.Run(() => WaitAsync(store, key, stop.Token)), store => store.Name);
        try
        {
            for (var lacking = repositories.Required; lacking > 0;)
            {
                var ended = await Task.WhenAny(waiting.Keys);
                // A repository in trouble fails the wait only when the others are too few.
                if (!ended.IsFaulted || waiting.Count <= lacking)
                {
                    await ended;
                    lacking--;
                }
                else
                {
                    service.Log.Warning("repository {Repository} is not waited for: {Reason}", waiting[ended], ended.Exception!.GetBaseException().Message);
                }

                waiting.Remove(ended);
            }
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw TimedOut(deadline, e, $"{name} did not reach repository {string.Join(", ", waiting.Values)}");
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(waiting.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task WaitAsync(IObjectStore store, string key, CancellationToken cancellation)
    {
        while (!await store.ExistsAsync(key, cancellation))
        {
            await Task.Delay(Pause, service.Clock, cancellation);
        }
    }

    /// <summary>The error of a wait that took too long.</summary>
    public static RepositoryUnavailableException TimedOut(TimeSpan deadline, Exception? inner, string what = "the WAL of the backup was not archived") => new(
        $"{what} within {deadline}",
        "look at archive_command's messages in the server's log and at pg_stat_archiver; `pitr check` tries the whole way",
        inner);
}
