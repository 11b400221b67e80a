using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Events;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Search;

/// <summary>Chooses the segments that a search has to open.</summary>
sealed class WalSearchRange(WalArchive archive, TimelinePath path, WalInventory inventory)
{
    // A checkpoint is mostly minutes back; further than this nobody looks for names.
    const ulong FurthestBack = 1024;

    /// <summary>Numbers of the first and last segment that can hold what is looked for; null when nothing is archived there.</summary>
    public async Task<(ulong First, ulong Last)?> ChooseAsync(WalSearchRequest request, CancellationToken cancellation)
    {
        if (path.Bounds(inventory) is not { } bounds)
        {
            return null;
        }

        var (first, last) = bounds;
        if (request.From is { } from)
        {
            first = Math.Max(first, from.Lsn is { } lsn ? Number(lsn) : from.Time is { } time ? await FirstAsync(time, bounds, cancellation) : first);
        }

        if (request.To is { } to)
        {
            // A record that begins at the last position may end one segment later.
            last = Math.Min(last, to.Lsn is { } lsn ? Number(lsn) + 1 : to.Time is { } time ? await LastAsync(time, bounds, cancellation) : last);
        }

        return first <= last ? (first, last) : null;
    }

    /// <summary>
    /// Where reading has to begin so that the catalog's rows are known at a segment: at the redo position of the last checkpoint before it,
    /// because from there on each page comes whole at its first change. Reads backwards until it finds one.
    /// </summary>
    public async Task<ulong> FindContextAsync(ulong first, WalSegmentStream checkpoints, IProgress<WalSearchProgress> progress, CancellationToken cancellation)
    {
        var earliest = path.Bounds(inventory)!.Value.First;
        for (var number = first; number > earliest && first - number < FurthestBack;)
        {
            number--;
            progress.Report(new WalSearchProgress("looking for the checkpoint before", 0, 0));
            var scanned = await checkpoints.ScanAsync(number, cancellation);
            if (scanned.Events is null)
            {
                // A gap: what is before it says nothing about what is behind it.
                return number + 1;
            }

            if (scanned.Events.Events.OfType<WalCheckpoint>().LastOrDefault() is { } checkpoint)
            {
                return Math.Clamp(Number(checkpoint.Redo), earliest, number);
            }
        }

        return Math.Max(earliest, first > FurthestBack ? first - FurthestBack : 0);
    }

    ulong Number(Lsn lsn) => lsn.Value / (ulong)inventory.SegmentSize.Bytes;

    // The clear headers tell which segments are out of range. One more is taken on each side: a commit that lies in two segments may be in neither header.
    async Task<ulong> FirstAsync(long time, (ulong First, ulong Last) bounds, CancellationToken cancellation)
    {
        var found = await FindCommitAfterAsync(WalCommitTimes.ToDateTimeOffset(time).AddMicroseconds(-1), bounds, cancellation);
        return found is { } number ? Math.Max(bounds.First, number - 1) : bounds.Last;
    }

    async Task<ulong> LastAsync(long time, (ulong First, ulong Last) bounds, CancellationToken cancellation)
    {
        var found = await FindCommitAfterAsync(WalCommitTimes.ToDateTimeOffset(time), bounds, cancellation);
        return found is { } number ? Math.Min(bounds.Last, number + 1) : bounds.Last;
    }

    // In each unbroken run for itself; a header that cannot be read makes nothing be skipped.
    async Task<ulong?> FindCommitAfterAsync(DateTimeOffset moment, (ulong First, ulong Last) bounds, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        ulong? next = bounds.First;
        while (next is { } number && number <= bounds.Last)
        {
            var first = path.Segment(number);
            if (path.UnbrokenEnd(inventory, first) is { } end)
            {
                try
                {
                    if (await archive.FindCommitAfterAsync(moment, path, first, end, size, cancellation) is { } found)
                    {
                        return found.Number(size);
                    }
                }
                catch (Exception e) when (e is OperationException or StorageException)
                {
                    return number;
                }

                number = end.Number(size);
            }

            next = path.FirstAfter(inventory, number)?.Number(size);
        }

        return null;
    }
}
