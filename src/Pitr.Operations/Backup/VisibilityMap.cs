using Microsoft.Win32.SafeHandles;
using Pitr.Format.Wal;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>
/// The visibility map of a table whose pages are being read: when did it change last? Without page checksums, marking a page all-visible is logged, but moves the LSN
/// of the map's page only, not the page's own (visibilitymap_set() of src/backend/access/heap/visibilitymap.c). Clearing the mark moves the page's own. For one thread.
/// </summary>
/// <param name="path">The map's first file.</param>
/// <param name="pageSize">Bytes of a page.</param>
/// <param name="pagesPerFile">Of the cluster: pg_control's.</param>
sealed class VisibilityMap(string path, int pageSize, int pagesPerFile) : IDisposable
{
    const int PageHeaderSize = 24;
    const int BlocksPerByte = 4;

    SafeFileHandle? _file;
    int _part = -1;
    long _page = -1;
    Lsn _lsn;

    /// <summary>The map of the table that a file of a main fork belongs to.</summary>
    /// <param name="file">The absolute path of that file, of whichever part of the table.</param>
    /// <param name="relation">What it is.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    /// <param name="pagesPerFile">Of the cluster: pg_control's.</param>
    public static VisibilityMap Of(string file, RelationFileName relation, int pageSize, int pagesPerFile) =>
        new(Path.Combine(Path.GetDirectoryName(file)!, $"{relation.Number}_vm"), pageSize, pagesPerFile);

    /// <summary>The last position of the WAL at which a page may have been marked all-visible: of any of the 32672 pages that a page of the map is about.</summary>
    /// <param name="block">Of the table, over all of its files.</param>
    /// <returns><see cref="Lsn.Invalid"/> when none was.</returns>
    /// <exception cref="IOException">The map cannot be read.</exception>
    public Lsn LastMarked(long block)
    {
        var page = block / ((pageSize - PageHeaderSize) * BlocksPerByte);
        if (page != _page)
        {
            (_page, _lsn) = (page, ReadLsn(page));
        }

        return _lsn;
    }

    // A map that is not there, or ends before, marks nothing, and what it marks later is in the WAL of the backup.
    Lsn ReadLsn(long page)
    {
        var part = (int)(page / pagesPerFile);
        if (part != _part)
        {
            _file?.Dispose();
            (_file, _part) = (null, part);
            try
            {
                _file = File.OpenHandle(part == 0 ? path : $"{path}.{part}", share: FileShare.ReadWrite | FileShare.Delete);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                return Lsn.Invalid;
            }
        }

        Span<byte> header = stackalloc byte[sizeof(ulong)];
        return _file is not null && RandomAccess.Read(_file, header, page % pagesPerFile * pageSize) == header.Length ? DataPage.Lsn(header) : Lsn.Invalid;
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
