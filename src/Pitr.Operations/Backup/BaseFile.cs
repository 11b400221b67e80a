using Pitr.Format.Manifests;

namespace Pitr.Operations.Backup;

/// <summary>One file of the backup that pages are compared with, asked for its pages in ascending order.</summary>
/// <param name="entry">The file's entry in that backup's manifest.</param>
/// <param name="packs">Indices in this backup's manifest of the packs that may be used, by their index in that one's.</param>
sealed class BaseFile(ManifestEntry entry, IReadOnlyDictionary<int, int> packs)
{
    int _run;
    long _runStart;

    /// <summary>Finds out where a page is stored; false when it is not there whole, or must not be used.</summary>
    /// <param name="offset">Where it begins in the file; not less than in the call before.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="stored">Takes its pieces; emptied first.</param>
    public bool TryFind(long offset, int length, List<ManifestRun> stored)
    {
        stored.Clear();
        while (_run < entry.Runs.Count && _runStart + entry.Runs[_run].Length <= offset)
        {
            _runStart += entry.Runs[_run].Length;
            _run++;
        }

        var (run, start) = (_run, _runStart);
        for (var left = length; left > 0; run++)
        {
            // A page of zeros there has rows now, whatever its LSN says.
            if (run == entry.Runs.Count || entry.Runs[run] is not { IsZeros: false } piece || !packs.TryGetValue(piece.Pack, out var pack))
            {
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
}
