using Pitr.Format.Manifests;
using Pitr.Format.Wal;

namespace Pitr.Operations.Backup;

/// <summary>One file as interrupted backups have copied it, asked for its pages in ascending order.</summary>
/// <param name="copies">The newest first: what each has of it, and where that backup began.</param>
sealed class InterruptedFile(IReadOnlyList<(Lsn StartLsn, BaseFile File)> copies)
{
    /// <summary>Finds out where a page is stored as it is now; false when no backup has it.</summary>
    /// <param name="lsn">The page's position, not zero.</param>
    /// <param name="marked">Before which position it was not marked all-visible, which does not move its own.</param>
    /// <param name="offset">Where it begins in the file; not less than in the call before.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="stored">Takes its pieces; emptied first.</param>
    public bool TryFind(Lsn lsn, Lsn marked, long offset, int length, List<ManifestRun> stored)
    {
        foreach (var (start, file) in copies)
        {
            if (lsn < start && marked < start && file.TryFind(offset, length, stored))
            {
                return true;
            }
        }

        return false;
    }
}
