using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Wal;
using Pitr.Postgres.Wal.Events;

namespace Pitr.Operations.Restore;

/// <summary>
/// Finds where a named restore point or a transaction lies, and whether a position has a record behind it, by opening archived WAL: only then
/// is known which backup comes before it, and that it is there at all. Looks from the newest backup backwards, since what is asked for is mostly recent.
/// </summary>
sealed class WalTargetFinder(PostgresService service, TimelinePath path, WalInventory inventory)
{
    const WalEventKinds Looked = WalEventKinds.TransactionEnds | WalEventKinds.RestorePoints;

    readonly ArchiveGet _get = new(service);

    /// <summary>The record to stop at.</summary>
    /// <param name="target">A name or a transaction.</param>
    /// <param name="backups">The backups that lead to the target's timeline, oldest first.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ImpossiblePlanException">Nothing archived since the first backup holds it.</exception>
    public async Task<WalPlace> FindAsync(RecoveryTarget target, IReadOnlyList<BackupDocument> backups, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var before = ulong.MaxValue;
        var near = new NearTargets(target);
        foreach (var backup in backups.Reverse())
        {
            var first = WalSegmentName.Parse(backup.StartWal);
            if (path.UnbrokenEnd(inventory, first) is not { } end)
            {
                continue;
            }

            // The first segment of what was searched already once more: a record may begin before it and end in it.
            var run = new WalEventRun(Looked);
            for (var number = first.Number(size); number <= end.Number(size) && number <= before; number++)
            {
                var segment = path.Segment(number);
                foreach (var found in run.Add(await ScanAsync(segment, cancellation), out _))
                {
                    if (IsWanted(found, target))
                    {
                        return new WalPlace(found.Position, segment);
                    }

                    near.Add(found);
                }
            }

            before = Math.Min(before, first.Number(size));
        }

        throw new ImpossiblePlanException(
            $"{target} is not in the archived WAL since the first backup that leads to timeline {path.Timelines[^1]} ({backups[0].Id})",
            $"{near.Hint()}; it may also lie in WAL that is not archived yet (SELECT pg_switch_wal()) or on another timeline (--target-timeline)");
    }

    /// <summary>
    /// The segment with the first whole record that begins at or after a position: PostgreSQL stops at that record (recoveryStopsBefore() and
    /// recoveryStopsAfter() of PostgreSQL 15 src/backend/access/transam/xlogrecovery.c), and without one it fails when WAL is at its end.
    /// </summary>
    /// <param name="lsn">The position.</param>
    /// <param name="last">The last archived segment of the unbroken run that holds the position.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>The segment and null; or null and where the last archived record begins, null when there is none either.</returns>
    public async Task<(WalSegmentName? Segment, Lsn? LastRecord)> FindRecordAfterAsync(Lsn lsn, WalSegmentName last, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        Lsn? lastRecord = null;
        for (var number = lsn.Value / (ulong)size.Bytes; number <= last.Number(size); number++)
        {
            var segment = path.Segment(number);
            lastRecord = (await ScanAsync(segment, cancellation)).Edges.LastRecord ?? lastRecord;
            if (lastRecord >= lsn)
            {
                return (segment, null);
            }
        }

        return (null, lastRecord);
    }

    /// <summary>Where the last record of a run of segments begins; null when none begins in it.</summary>
    public async Task<Lsn?> FindLastRecordAsync(WalSegmentName first, WalSegmentName last, CancellationToken cancellation)
    {
        Lsn? found = null;
        for (var number = last.Number(inventory.SegmentSize); found is null && number >= first.Number(inventory.SegmentSize); number--)
        {
            found = (await ScanAsync(path.Segment(number), cancellation)).Edges.LastRecord;
        }

        return found;
    }

    static bool IsWanted(WalEvent found, RecoveryTarget target) => found switch
    {
        WalRestorePoint point => target.Kind == RecoveryTargetKind.Name && point.Name == target.Value,
        // PostgreSQL takes ids with an epoch too and looks at the lower half only.
        WalTransactionEnd end => target.Kind == RecoveryTargetKind.Xid && end.Transaction == unchecked((uint)ulong.Parse(target.Value, CultureInfo.InvariantCulture)),
        _ => false,
    };

    async Task<WalSegmentEvents> ScanAsync(WalSegmentName segment, CancellationToken cancellation)
    {
        var content = await _get.ReadAsync(WalFileName.Parse(segment.ToString()), cancellation)
            ?? throw new ImpossiblePlanException($"{segment} was listed and is no more", "look at `pitr wal list`");
        return WalSegmentEvents.Scan(content, WalSegmentHeader.Parse(content), Looked);
    }
}
