using Pitr.Format.Manifests;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>What is known about the pages of one relation's file before it is read: where the base has them, and which have changed since. For one thread.</summary>
/// <param name="basis">The file in the base.</param>
/// <param name="changed">What has changed since.</param>
/// <param name="pageSize">Bytes of a page.</param>
sealed class KnownPages(BaseFile basis, ChangedPages changed, int pageSize)
{
    /// <summary>Looks a file up; null when nothing of it may be reused, or only the pages themselves tell which have changed.</summary>
    /// <param name="assembly">The backup.</param>
    /// <param name="path">The file.</param>
    /// <param name="relation">What it is.</param>
    /// <param name="pagesPerFile">Of the cluster: pg_control's.</param>
    public static KnownPages? Find(BackupAssembly assembly, string path, RelationFileName relation, int pagesPerFile) =>
        relation.Fork == RelationFork.Main && assembly.Changes is { } changes && assembly.Basis?.Find(path, relation) is { } file
            ? new KnownPages(file, changes.Of(relation, pagesPerFile), assembly.Facts.PageSize)
            : null;

    /// <summary>Where the whole file is stored, if all of it can be reused without a look at it; else null.</summary>
    /// <param name="size">Bytes of the file now.</param>
    public IReadOnlyList<ManifestRun>? FindAll(long size) =>
        size % pageSize == 0 && changed.FirstChanged(0, size / pageSize) == size / pageSize ? basis.FindAll(size) : null;

    /// <summary>Whether <see cref="FindNext"/> may be asked; else every page has to be looked at.</summary>
    /// <param name="size">Bytes of the file now.</param>
    // A file that is shorter than in the base, and no WAL before the start says so, is being truncated now, or something is wrong with it.
    public bool CanSkip(long size) => size % pageSize == 0 && (size >= basis.Size || changed.Limit <= size / pageSize);

    /// <summary>Finds the next pages that can be reused without a look at them, or must be read.</summary>
    /// <param name="offset">Where the first of them begins in the file; ascending.</param>
    /// <param name="size">Bytes of the file now.</param>
    /// <param name="stored">Takes where they are stored; empty when they have to be read.</param>
    /// <returns>How many bytes they have: whole pages, at least one.</returns>
    public long FindNext(long offset, long size, List<ManifestRun> stored)
    {
        stored.Clear();
        var (first, end) = (offset / pageSize, size / pageSize);
        var next = changed.FirstChanged(first, end);
        if (next > first)
        {
            return basis.FindNext(offset, (next - first) * pageSize, pageSize, stored);
        }

        for (next++; next < end && changed.Contains(next); next++)
        {
        }

        return (next - first) * pageSize;
    }
}
