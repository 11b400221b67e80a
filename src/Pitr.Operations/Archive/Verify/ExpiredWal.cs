using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Retention;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Archive.Verify;

/// <summary>
/// Tells WAL that retention has removed from WAL that was lost. What is removed is needed by nothing, and what is left on both sides of it ends with a backup's last segment and
/// begins with a backup's first one: nothing else is left by a removal.
/// </summary>
sealed class ExpiredWal
{
    readonly PostgresService _service;
    readonly WalInventory _inventory;
    readonly HashSet<ulong> _starts;
    readonly HashSet<(Timeline Timeline, ulong Number)> _stops;
    readonly HashSet<ulong> _branches;
    readonly NeededWal? _needed;
    readonly SemaphoreSlim _asking = new(1, 1);
    NeededWal? _neededNow;

    /// <param name="service">Whose WAL.</param>
    /// <param name="inventory">What is archived.</param>
    /// <param name="backups">The backups there are; what of each is not about WAL may be left out.</param>
    public ExpiredWal(PostgresService service, WalInventory inventory, IReadOnlyList<BackupDocument> backups)
    {
        (_service, _inventory) = (service, inventory);
        var size = inventory.SegmentSize;
        BackupDocument[] own = [.. backups.Where(IsUsable)];
        _needed = _neededNow = Find(own);
        _starts = [.. own.Select(b => WalSegmentName.Parse(b.StartWal).Number(size))];
        _stops = [.. own.Select(b => (new Timeline(b.Timeline), WalSegmentName.Parse(b.StopWal).Number(size)))];
        _branches = [.. inventory.Timelines.Where(t => t.Spans.Count > 0).Select(t => t.Spans[0].First.Number(size))];
    }

    /// <summary>The same for a service whose backups are listed here; when they cannot be, nothing is taken for removed.</summary>
    public static async Task<ExpiredWal> ReadAsync(PostgresService service, WalInventory inventory, CancellationToken cancellation)
    {
        try
        {
            return new ExpiredWal(service, inventory, await new BackupCatalog(service).ListAsync(cancellation));
        }
        catch (Exception e) when (e is DamagedRepositoryException or StorageException)
        {
            return new ExpiredWal(service, inventory, []);
        }
    }

    /// <summary>Whether a gap was left by a removal.</summary>
    public bool Explains(WalGap gap)
    {
        var timeline = gap.First.Timeline;
        return Explains(timeline, gap.First.Number(_inventory.SegmentSize), gap.Last.Number(_inventory.SegmentSize), Runs(_inventory.Whole, timeline));
    }

    /// <summary>Whether what one repository lacks of a timeline was removed there, and from the others not yet.</summary>
    /// <param name="timeline">The timeline.</param>
    /// <param name="first">Number of the first segment that it lacks.</param>
    /// <param name="last">Number of the last one.</param>
    /// <param name="held">What it holds.</param>
    public bool Explains(Timeline timeline, ulong first, ulong last, RepositoryWal held)
    {
        ArgumentNullException.ThrowIfNull(held);
        return Explains(timeline, first, last, [.. (held.Find(timeline)?.Spans ?? []).Select(Numbers)]);
    }

    /// <summary>Whether a segment that was listed a moment ago, and is not there any more, is needed by nothing: an expiry runs beside this.</summary>
    public async Task<bool> ExplainsAsync(WalSegmentName segment, CancellationToken cancellation)
    {
        await _asking.WaitAsync(cancellation);
        try
        {
            if (_neededNow?.Contains(segment) ?? true)
            {
                _neededNow = Find([.. (await new BackupCatalog(_service).ListAsync(cancellation)).Where(IsUsable)]);
            }

            return _neededNow?.Contains(segment) == false;
        }
        catch (DamagedRepositoryException)
        {
            return false;
        }
        finally
        {
            _asking.Release();
        }
    }

    // An entry is clear text: what makes no sense in it is for others to find.
    bool IsUsable(BackupDocument backup) =>
        backup.WalSegmentSize == _inventory.SegmentSize.Bytes && WalSegmentName.TryParse(backup.StartWal, out _) && WalSegmentName.TryParse(backup.StopWal, out _);

    NeededWal? Find(IReadOnlyList<BackupDocument> backups) => NeededWal.Find(
        backups,
        TimelineTrace.Of(_inventory),
        new RetentionRules(_service.Settings.Retention, _service.Clock.GetUtcNow()));

    bool Explains(Timeline timeline, ulong first, ulong last, IReadOnlyList<(ulong First, ulong Last)> runs)
    {
        if (!IsNeedless(timeline, first, last))
        {
            return false;
        }

        // PostgreSQL writes no segment 0, so (0, 0) is none.
        var before = runs.LastOrDefault(r => r.Last < first);
        if (before != default && !_stops.Contains((timeline, before.Last)) && !_branches.Contains(before.Last) && !IsNeedless(timeline, before.First, before.Last))
        {
            return false;
        }

        // What a backup left behind that is gone by now goes with the next expiry; until then it lies between two gaps.
        var after = runs.FirstOrDefault(r => r.First > last);
        return after == default || _starts.Contains(after.First)
            || (IsNeedless(timeline, after.First, after.Last) && runs.FirstOrDefault(r => r.First > after.Last) is var next && next != default && Explains(timeline, after.Last + 1, next.First - 1, runs));
    }

    bool IsNeedless(Timeline timeline, ulong first, ulong last) => _needed?.Needless(timeline, first, last).FirstOrDefault() == (first, last);

    (ulong First, ulong Last)[] Runs(WalInventory inventory, Timeline timeline) => [.. (inventory.Find(timeline)?.Spans ?? []).Select(Numbers)];

    (ulong First, ulong Last) Numbers(WalSpan span) => (span.First.Number(_inventory.SegmentSize), span.Last.Number(_inventory.SegmentSize));
}
