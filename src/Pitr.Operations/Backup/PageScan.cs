using Pitr.Format.Manifests;
using Pitr.Format.Wal;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>
/// Looks at each page of one file of a relation: is its checksum right, has it changed since the base? For one thread.
/// </summary>
/// <param name="assembly">The backup.</param>
/// <param name="path">The file, for messages.</param>
/// <param name="relation">What it is.</param>
/// <param name="content">Asked once more for pages that look damaged.</param>
/// <param name="pagesPerFile">Of the cluster: pg_control's.</param>
sealed class PageScan(BackupAssembly assembly, string path, RelationFileName relation, IFileContent content, int pagesPerFile)
{
    const int Attempts = 20;

    // Free space and visibility maps are small, and not everything that changes them is logged (src/backend/storage/freespace/README).
    readonly BaseFile? _base = relation.Fork == RelationFork.Main ? assembly.Basis?.Find(path, relation) : null;
    readonly InterruptedFile? _interrupted = relation.Fork == RelationFork.Main ? assembly.Interrupted?.Find(path, relation) : null;

    // What WAL has changed since the base counts as changed whatever the page's own LSN is.
    readonly ChangedPages? _changed = relation.Fork == RelationFork.Main ? assembly.Changes?.Of(relation, pagesPerFile) : null;
    readonly bool _verify = assembly.Facts.DataChecksums;
    readonly List<ManifestRun> _stored = [];

    /// <summary>Whether there is anything to look for; else the file is copied as it is.</summary>
    public bool IsNeeded => _verify || _base is not null || _interrupted is not null;

    /// <summary>Bytes of a page.</summary>
    public int PageSize => assembly.Facts.PageSize;

    /// <summary>The visibility map of the table; null when it cannot be looked at.</summary>
    public VisibilityMap? Map { get; init; }

    /// <summary>Where the page is stored that was looked at last, if it can be reused.</summary>
    public IReadOnlyList<ManifestRun> Stored => _stored;

    /// <summary>Looks at the next page.</summary>
    /// <param name="page">May be replaced by what is read once more.</param>
    /// <param name="offset">Where it begins in the file; ascending.</param>
    public PageFate Look(Span<byte> page, long offset)
    {
        if (DataPage.IsNew(page) && DataPage.IsZero(page))
        {
            return PageFate.Zeros;
        }

        if (_verify && !IsSound(page, offset))
        {
            // As it is: what its header says is not to be believed.
            return PageFate.Copy;
        }

        var lsn = DataPage.Lsn(page);
        if (lsn.Value == 0)
        {
            return PageFate.Copy;
        }

        var marked = LastMarked(page, offset);
        return _interrupted?.TryFind(lsn, marked, offset, page.Length, _stored) == true || IsInBase(lsn, marked, offset, page.Length) ? PageFate.Reuse : PageFate.Copy;
    }

    bool IsInBase(Lsn lsn, Lsn marked, long offset, int length) => _base is not null && lsn < assembly.Basis!.StartLsn
        && (_changed is { } changed ? !changed.Contains(offset / PageSize) : marked < assembly.Basis.StartLsn)
        && _base.TryFind(offset, length, _stored);

    // Without checksums (and wal_log_hints, which may have been another one in between) VACUUM marks pages all-visible and leaves their LSN. With the base's page and
    // the new visibility map, UPDATE would not clear the map any more, and index-only scans would lie.
    Lsn LastMarked(ReadOnlySpan<byte> page, long offset) =>
        assembly.Facts.DataChecksums || !DataPage.IsAllVisible(page) ? Lsn.Invalid : Map?.LastMarked(BlockAt(offset)) ?? new Lsn(ulong.MaxValue);

    long BlockAt(long offset) => (relation.Part * (long)pagesPerFile) + (offset / PageSize);

    // A page that is written at this moment is read half old, half new. If it has a position behind the backup's start, recovery replaces it whatever it is
    // now; else it is whole a moment later, or damaged. As pg_basebackup does (verify_page_checksum() of basebackup.c).
    bool IsSound(Span<byte> page, long offset)
    {
        var block = BlockAt(offset);
        for (var attempt = 0; ; attempt++)
        {
            if (DataPage.IsNew(page) || DataPage.Lsn(page) >= assembly.StartLsn || PageChecksum.Compute(page, (uint)block) == DataPage.StoredChecksum(page))
            {
                return true;
            }

            if (attempt == Attempts || !content.CanReadAgain)
            {
                assembly.Report(new Format.Catalog.DamagedPage(path, block));
                return false;
            }

            // Whoever writes it needs microseconds, and maybe this processor.
            Thread.Yield();
            if (content.ReadAgain(offset, page) < page.Length)
            {
                // Cut off meanwhile: recovery does that, too.
                return true;
            }
        }
    }
}
