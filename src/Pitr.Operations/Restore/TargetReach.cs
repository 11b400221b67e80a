using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Restore;

/// <summary>Whether recovery from a backup reaches a target, and what is nearest where it does not.</summary>
/// <param name="service">The service.</param>
/// <param name="ground">What the plan stands on.</param>
/// <param name="backup">Where recovery starts.</param>
/// <param name="reach">The last segment of the unbroken run from there on.</param>
/// <param name="lastCommit">The last commit in that run; null when there is none.</param>
sealed class TargetReach(PostgresService service, RestoreGround ground, BackupDocument backup, WalSegmentName reach, DateTimeOffset? lastCommit)
{
    readonly WalArchive _archive = new(service);

    WalSegmentSize Size => ground.Inventory.SegmentSize;

    // The first archived segment behind a gap; null when there is no gap.
    WalSegmentName? Beyond => ground.Path.FirstAfter(ground.Inventory, reach.Number(Size));

    string Gap => Beyond is null ? "" : $"; WAL from {ground.Path.Segment(reach.Number(Size) + 1)} to before {Beyond} is missing";

    string Latest => lastCommit is { } moment ? $"the last commit that can be recovered is at {RestorePlanner.Moment(moment)}" : "no commit after the backup is archived";

    string AtEnd => Beyond is null ? $"{Latest}; --target latest recovers all there is" : AroundGap;

    // PostgreSQL ends recovery at a time only where it sees a later commit, so the last commit before a gap cannot be asked for, all before it can.
    string AroundGap
    {
        get
        {
            var before = lastCommit?.AddMicroseconds(-1) is { } moment && moment >= backup.StopTime
                ? $"everything before that commit is possible: --target-time '{RestorePlanner.Moment(moment)}'"
                : $"--target immediate --backup {backup.Id} is possible";
            return ground.Backups.FirstOrDefault(b => WalSegmentName.Parse(b.StartWal).Number(Size) > reach.Number(Size)) is { } next
                ? $"{before}; the first moment after the gap is the end of backup {next.Id}, {RestorePlanner.Moment(next.StopTime)}: --target immediate --backup {next.Id}"
                : $"{before}; no backup was taken after the gap, so what is archived behind it cannot be reached";
        }
    }

    /// <summary>The last segment that recovery can need to reach the target.</summary>
    /// <param name="target">The target.</param>
    /// <param name="stopAt">Where the record of a name or a transaction is.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ImpossiblePlanException">The archive does not reach the target.</exception>
    public async Task<WalSegmentName> FindLastNeededAsync(RecoveryTarget target, WalPlace? stopAt, CancellationToken cancellation)
    {
        switch (target.Kind)
        {
            case RecoveryTargetKind.Immediate:
                return WalSegmentName.Parse(backup.StopWal);
            case RecoveryTargetKind.Latest when Beyond is not null:
                throw new ImpossiblePlanException($"the archive has a gap{Gap}: `latest` would silently end there, and {Latest}", AroundGap);
            case RecoveryTargetKind.Lsn:
                return await FindReachedAsync(target, cancellation);
            case RecoveryTargetKind.Xid or RecoveryTargetKind.Name when stopAt is { } place:
                return place.Segment.Number(Size) <= reach.Number(Size)
                    ? place.Segment
                    : throw new ImpossiblePlanException($"target {target} lies after the archived WAL, which ends with {reach}{Gap}", AtEnd);
            case RecoveryTargetKind.Time:
                // PostgreSQL stops at the first commit after the target, or at it when exclusive; without one it would end with an error, after hours maybe.
                var after = target.Inclusive ? target.Time!.Value : target.Time!.Value.AddMicroseconds(-1);
                return await _archive.FindCommitAfterAsync(after, ground.Path, WalSegmentName.Parse(backup.StartWal), reach, Size, cancellation) ?? throw new ImpossiblePlanException(
                    $"target {target} lies after the last archived commit{Gap}: {Latest}",
                    Beyond is null ? "--target latest recovers everything up to it; if nothing was committed in between, that is the same state" : AroundGap);
            default:
                return reach;
        }
    }

    // The record at the position itself is read, too, to know that it is reached: PostgreSQL stops at the first record that begins at or
    // after it. Behind the last record of the archive there is none, even if the segment goes on: the rest of it may be empty.
    async Task<WalSegmentName> FindReachedAsync(RecoveryTarget target, CancellationToken cancellation)
    {
        var lsn = target.Lsn!.Value;
        var finder = new WalTargetFinder(service, ground.Path, ground.Inventory);
        if (lsn.Value / (ulong)Size.Bytes > reach.Number(Size))
        {
            throw new ImpossiblePlanException(
                $"target {target} lies after the archived WAL, which ends with {reach}{Gap}",
                Nearest(await finder.FindLastRecordAsync(WalSegmentName.Parse(backup.StopWal), reach, cancellation)));
        }

        var (segment, lastRecord) = await finder.FindRecordAfterAsync(lsn, reach, cancellation);
        return segment ?? throw new ImpossiblePlanException(
            $"target {target} is not reached: no record that begins at or after it is archived; the WAL ends in {reach}{Gap}", Nearest(lastRecord));
    }

    string Nearest(Lsn? lastRecord) =>
        lastRecord is { } last && last >= backup.StopLsn ? $"the last position that can be asked for is that of the last record: --target-lsn {last}; {AtEnd}" : AtEnd;
}
