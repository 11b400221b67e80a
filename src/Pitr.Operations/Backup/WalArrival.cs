using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>Waits until WAL that the server has finished is in every repository of the service.</summary>
public sealed class WalArrival(PostgresService service)
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits for one file and reads it.</summary>
    /// <exception cref="RepositoryUnavailableException">It did not arrive within backup.wal-deadline.</exception>
    public async Task<byte[]> WaitForFileAsync(WalFileName name, CancellationToken cancellation)
    {
        await WaitAsync(name, cancellation);
        return await new ArchiveGet(service).ReadAsync(name, cancellation)
            ?? throw new RepositoryUnavailableException($"{name} was there a moment ago and is no more");
    }

    /// <summary>Waits for every segment from first to last.</summary>
    /// <exception cref="RepositoryUnavailableException">One did not arrive within backup.wal-deadline.</exception>
    public async Task WaitForSegmentsAsync(WalSegmentName first, WalSegmentName last, WalSegmentSize size, CancellationToken cancellation)
    {
        for (var segment = first; ; segment = segment.Next(size))
        {
            await WaitAsync(WalFileName.Parse(segment.ToString()), cancellation);
            if (segment.CompareTo(last) >= 0)
            {
                return;
            }
        }
    }

    async Task WaitAsync(WalFileName name, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Wal(service.Name, name);
        var started = service.Clock.GetTimestamp();
        foreach (var store in service.Repositories.Stores)
        {
            while (await store.StatAsync(key, cancellation) is null)
            {
                if (service.Clock.GetElapsedTime(started) > service.Settings.Backup.WalDeadline)
                {
                    throw TimedOut(service.Settings.Backup.WalDeadline, null, $"{name} did not reach repository {store.Name}");
                }

                await Task.Delay(Pause, service.Clock, cancellation);
            }
        }
    }

    /// <summary>The error of a wait that took too long.</summary>
    public static RepositoryUnavailableException TimedOut(TimeSpan deadline, Exception? inner, string what = "the WAL of the backup was not archived") => new(
        $"{what} within {deadline}",
        "look at archive_command's messages in the server's log and at pg_stat_archiver; `pitr check` tries the whole way",
        inner);
}
