using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Restore;

/// <summary>
/// Finds where a named restore point or a transaction lies, by opening archived WAL: only then is known which backup comes before it,
/// and that it is there at all. Looks from the newest backup backwards, since what is asked for is mostly recent.
/// </summary>
sealed class WalTargetFinder(PostgresService service, TimelinePath path, WalInventory inventory)
{
    readonly ArchiveGet _get = new(service);

    /// <summary>The position of the record to stop at.</summary>
    /// <param name="target">A name or a transaction.</param>
    /// <param name="backups">The backups that lead to the target's timeline, oldest first.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>Null when it may be a prepared transaction's, whose id cannot be seen.</returns>
    /// <exception cref="ImpossiblePlanException">Nothing archived since the first backup holds it.</exception>
    public async Task<Lsn?> FindAsync(RecoveryTarget target, IReadOnlyList<BackupDocument> backups, CancellationToken cancellation)
    {
        var size = inventory.SegmentSize;
        var before = ulong.MaxValue;
        var prepared = false;
        foreach (var backup in backups.Reverse())
        {
            var first = WalSegmentName.Parse(backup.StartWal);
            if (path.UnbrokenEnd(inventory, first) is not { } end)
            {
                continue;
            }

            for (var number = first.Number(size); number <= end.Number(size) && number < before; number++)
            {
                var (found, hasPrepared) = await ScanAsync(path.Segment(number), target, cancellation);
                prepared |= hasPrepared;
                if (found is not null)
                {
                    return found;
                }
            }

            before = Math.Min(before, first.Number(size));
        }

        return prepared ? null : throw new ImpossiblePlanException(
            $"{target} is not in the archived WAL since the first backup that leads to timeline {path.Timelines[^1]} ({backups[0].Id})",
            "check the spelling; it may also lie in WAL that is not archived yet (SELECT pg_switch_wal()) or on another timeline (--target-timeline)");
    }

    async Task<(Lsn? Found, bool HasPrepared)> ScanAsync(WalSegmentName segment, RecoveryTarget target, CancellationToken cancellation)
    {
        var content = await _get.ReadAsync(WalFileName.Parse(segment.ToString()), cancellation)
            ?? throw new ImpossiblePlanException($"{segment} was listed and is no more", "look at `pitr wal list`");
        var header = WalSegmentHeader.Parse(content);
        if (target.Kind == RecoveryTargetKind.Name)
        {
            return (WalTargetScanner.FindRestorePoint(content, header, target.Value), false);
        }

        // PostgreSQL takes ids with an epoch too and looks at the lower half only.
        var transaction = unchecked((uint)ulong.Parse(target.Value, CultureInfo.InvariantCulture));
        return (WalTargetScanner.FindTransactionEnd(content, header, transaction, out var hasPrepared), hasPrepared);
    }
}
