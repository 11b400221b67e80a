using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Events;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Search;

/// <summary>Fetches and scans archived segments, several at once, and gives them in order. Memory is bounded by the bytes of those under way.</summary>
sealed class WalSegmentStream(PostgresService service, TimelinePath path, WalInventory inventory, WalEventKinds kinds)
{
    // Each segment under way is in memory once or twice; with segments of 1 GiB that leaves one.
    const int MostBytesUnderway = 256 << 20;

    readonly ArchiveGet _get = new(service);

    /// <summary>A segment of the path: what it holds, or why that is not known.</summary>
    /// <param name="Segment">Its name.</param>
    /// <param name="Events">Null when it could not be read.</param>
    /// <param name="Problem">What keeps it from being read; null when it was, or is not in the archive.</param>
    public readonly record struct Scanned(WalSegmentName Segment, WalSegmentEvents? Events, Exception? Problem);

    /// <summary>The cluster whose WAL it is; 0 as long as nothing was read.</summary>
    public ulong SystemIdentifier { get; private set; }

    /// <summary>Scans one segment.</summary>
    public async Task<Scanned> ScanAsync(ulong number, CancellationToken cancellation)
    {
        var segment = path.Segment(number);
        if (!inventory.Contains(segment))
        {
            return new Scanned(segment, null, null);
        }

        try
        {
            var content = await _get.ReadAsync(WalFileName.Parse(segment.ToString()), cancellation);
            if (content is null)
            {
                return new Scanned(segment, null, null);
            }

            var header = WalSegmentHeader.Parse(content);
            SystemIdentifier = header.SystemIdentifier;
            return new Scanned(segment, WalSegmentEvents.Scan(content, header, kinds), null);
        }
        catch (Exception e) when (e is OperationException or StorageException or WalSegmentException)
        {
            return new Scanned(segment, null, e);
        }
    }

    /// <summary>Scans a run of segments, both ends included.</summary>
    public async IAsyncEnumerable<Scanned> ScanAsync(ulong first, ulong last, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var most = Math.Clamp(MostBytesUnderway / inventory.SegmentSize.Bytes, 1, Environment.ProcessorCount + 1);
        var underway = new Queue<Task<Scanned>>();
        try
        {
            for (var next = first; next <= last || underway.Count > 0;)
            {
                while (next <= last && underway.Count < most)
                {
                    var number = next++;
                    underway.Enqueue(Task.Run(() => ScanAsync(number, stop.Token), stop.Token));
                }

                yield return await underway.Dequeue();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)Task.WhenAll(underway)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
