using Pitr.Format.Manifests;

namespace Pitr.Operations.Backup;

/// <summary>One file of the backup that pages are compared with, asked for its pages in ascending order.</summary>
/// <param name="entry">The file's entry in that backup's manifest.</param>
/// <param name="packs">Indices in this backup's manifest of the packs that may be used, by their index in that one's.</param>
sealed class BaseFile(ManifestEntry entry, IReadOnlyDictionary<int, int> packs)
{
    int _run;
    long _runStart;

    /// <summary>Bytes of the file in that backup.</summary>
    public long Size => entry.Size;

    /// <summary>Where the whole file is stored, with its zeros; null when it has another size now, or a part of it must not be used.</summary>
    /// <param name="size">Bytes of the file now.</param>
    public IReadOnlyList<ManifestRun>? FindAll(long size) =>
        size == entry.Size && entry.Runs.All(r => r.IsZeros || packs.ContainsKey(r.Pack)) ? [.. entry.Runs.Select(r => r.IsZeros ? r : r with { Pack = packs[r.Pack] })] : null;

    /// <summary>Finds out where the next pages are stored, or that they are zeros.</summary>
    /// <param name="offset">Where the first begins in the file; not less than in any call before.</param>
    /// <param name="length">Bytes, whole pages, at least one.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    /// <param name="stored">Takes their pieces; emptied first, and left so if the pages are not there whole, or must not be used.</param>
    /// <returns>For how many bytes the answer counts: whole pages, at least one, at most <paramref name="length"/>.</returns>
    public long FindNext(long offset, long length, int pageSize, List<ManifestRun> stored)
    {
        stored.Clear();
        Seek(offset);
        if (_run == entry.Runs.Count)
        {
            return length;
        }

        var piece = entry.Runs[_run];
        var whole = Math.Min(length, (_runStart + piece.Length - offset) / pageSize * pageSize);
        if (whole == 0)
        {
            // A page that lies in two pieces.
            _ = TryFind(offset, pageSize, stored);
            return pageSize;
        }

        if (piece.IsZeros)
        {
            stored.Add(ManifestRun.Zeros(whole));
        }
        else if (packs.TryGetValue(piece.Pack, out var pack))
        {
            stored.Add(piece with { Length = whole, Pack = pack, SliceOffset = piece.SliceOffset + (int)(offset - _runStart) });
        }

        return whole;
    }

    /// <summary>Finds out where a page is stored; false when it is not there whole, or must not be used.</summary>
    /// <param name="offset">Where it begins in the file; not less than in the call before.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="stored">Takes its pieces; emptied first, and left so if there are none.</param>
    public bool TryFind(long offset, int length, List<ManifestRun> stored)
    {
        stored.Clear();
        Seek(offset);
        var (run, start) = (_run, _runStart);
        for (var left = length; left > 0; run++)
        {
            // A page of zeros there has rows now, whatever its LSN says.
            if (run == entry.Runs.Count || entry.Runs[run] is not { IsZeros: false } piece || !packs.TryGetValue(piece.Pack, out var pack))
            {
                stored.Clear();
                return false;
            }

            var skipped = offset + (length - left) - start;
            var taken = (int)Math.Min(left, piece.Length - skipped);
            stored.Add(piece with { Length = taken, Pack = pack, SliceOffset = piece.SliceOffset + (int)skipped });
            left -= taken;
            start += piece.Length;
        }

        return true;
    }

    void Seek(long offset)
    {
        while (_run < entry.Runs.Count && _runStart + entry.Runs[_run].Length <= offset)
        {
            _runStart += entry.Runs[_run].Length;
            _run++;
        }
    }
}
