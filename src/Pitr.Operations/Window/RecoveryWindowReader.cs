using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Window;

/// <summary>Computes the recovery window from the catalog and the archive, in one place for everybody who shows it. Repositories that do not
/// answer are in <see cref="RepositorySet.Unanswered"/>: the window is without what only they hold.</summary>
public sealed class RecoveryWindowReader(PostgresService service)
{
    /// <summary>Reads the window.</summary>
    /// <exception cref="Pitr.Storage.StorageException">No repository could be listed: the window is unknown, not empty.</exception>
    public async Task<RecoveryWindow> ReadAsync(CancellationToken cancellation)
    {
        var backups = await new BackupCatalog(service).ListAsync(cancellation);
        var archive = new WalArchive(service);
        if (!await archive.ExistsAsync(cancellation))
        {
            return new RecoveryWindow([], backups, null, null);
        }

        var wal = await archive.ListNamesAsync(cancellation);
        var spans = new List<RecoverySpan>();
        foreach (var timeline in wal.Timelines)
        {
            await AddSpansAsync(timeline, backups, wal, archive, spans, cancellation);
        }

        DateTimeOffset? lastCommit = null;
        foreach (var span in wal.Timelines.Select(t => t.Spans.LastOrDefault()).OfType<WalSpan>())
        {
            var path = new TimelinePath(span.First.Timeline, null, wal.SegmentSize);
            var last = await archive.FindLastCommitAsync(path, span.First, span.Last, wal.SegmentSize, cancellation);
            lastCommit = last > lastCommit || lastCommit is null ? last ?? lastCommit : lastCommit;
        }

        return new RecoveryWindow(spans, backups, wal, lastCommit);
    }

    // A timeline's own backups begin spans; so do its ancestors' backups, where its WAL goes on from theirs without a gap.
    static async Task AddSpansAsync(
        WalTimeline timeline, IReadOnlyList<BackupDocument> backups, WalInventory wal, WalArchive archive, List<RecoverySpan> spans, CancellationToken cancellation)
    {
        var size = wal.SegmentSize;
        TimelineHistory? history = null;
        if (timeline.HasHistory)
        {
            try
            {
                history = await archive.ReadHistoryAsync(timeline.Timeline, cancellation);
            }
            catch (KeyUnavailableException)
            {
                // A host without an identity cannot follow a timeline to its parent; it sees that timeline's own backups.
            }
        }

        var path = new TimelinePath(timeline.Timeline, history, size);
        WalSegmentName? covered = null;
        foreach (var backup in backups.Where(b => b.Timeline == timeline.Timeline.Value || (history?.IsAncestor(new Timeline(b.Timeline), b.StopLsn) ?? false)))
        {
            var first = WalSegmentName.Parse(backup.StartWal);
            if (covered is { } end && first.Number(size) <= end.Number(size))
            {
                continue;
            }

            if (path.UnbrokenEnd(wal, first) is not { } reach || reach.Number(size) < WalSegmentName.Parse(backup.StopWal).Number(size))
            {
                continue;
            }

            var to = await archive.FindLastCommitAsync(path, first, reach, size, cancellation);
            spans.Add(new RecoverySpan(timeline.Timeline, backup.StopTime, to is { } t && t > backup.StopTime ? t : backup.StopTime, backup.Id, reach));
            covered = reach;
        }
    }
}
