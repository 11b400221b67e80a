using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>Bytes of a file that lie beside each other in it and in a record: what a restore writes at once.</summary>
/// <param name="Offset">Where in the file, in bytes.</param>
/// <param name="Run">Where they are stored; its length is that of all of them.</param>
readonly record struct TreePiece(long Offset, ManifestRun Run)
{
    /// <summary>The pieces of a file, zeros included, in order.</summary>
    public static IEnumerable<TreePiece> Of(ManifestEntry entry)
    {
        TreePiece? last = null;
        var offset = 0L;
        foreach (var run in entry.Runs)
        {
            if (last is { } before && before.GoesOn(run))
            {
                last = before with { Run = before.Run with { Length = before.Run.Length + run.Length } };
            }
            else
            {
                if (last is { } whole)
                {
                    yield return whole;
                }

                last = new TreePiece(offset, run);
            }

            offset += run.Length;
        }

        if (last is { } end)
        {
            yield return end;
        }
    }

    bool GoesOn(in ManifestRun next) =>
        !Run.IsZeros && next.Pack == Run.Pack && next.Record == Run.Record && next.PackOffset == Run.PackOffset && next.StoredLength == Run.StoredLength && next.SliceOffset == Run.SliceOffset + Run.Length;
}
