namespace Pitr.Format.Manifests;

/// <summary>A piece of a file: part of a decoded pack record, or zeros. The runs of a file follow one another without gaps.</summary>
/// <param name="Length">Bytes, at least 1.</param>
/// <param name="Pack">Index in the manifest's pack table; negative for zeros.</param>
/// <param name="Record">Index of the record in the pack.</param>
/// <param name="PackOffset">Where the record begins in the pack, in bytes.</param>
/// <param name="StoredLength">Bytes the record has in the pack.</param>
/// <param name="SliceOffset">Where the piece begins in the decoded record.</param>
public readonly record struct ManifestRun(long Length, int Pack, int Record, long PackOffset, int StoredLength, int SliceOffset)
{
    /// <summary>Zeros, which are stored nowhere.</summary>
    public bool IsZeros => Pack < 0;

    public static ManifestRun Zeros(long length) => new(length, -1, 0, 0, 0, 0);
}
