using System.Runtime.InteropServices;

namespace Pitr.Operations.Restore;

/// <summary>Some bytes of a record on their way to their place in a file; 40 bytes, because there may be many millions.</summary>
/// <param name="Offset">Where in the file, in bytes.</param>
/// <param name="PackOffset">Where the record begins in its pack.</param>
/// <param name="Length">Bytes.</param>
/// <param name="File">Number of the file.</param>
/// <param name="Record">Index of the record in the pack.</param>
/// <param name="StoredLength">Bytes the record has in the pack.</param>
/// <param name="SliceOffset">Where the bytes begin in the decoded record.</param>
[StructLayout(LayoutKind.Sequential)]
readonly record struct SpooledRun(long Offset, long PackOffset, long Length, int File, int Record, int StoredLength, int SliceOffset)
{
    /// <summary>Whether another run goes on where this one ends, in the file and in the record.</summary>
    public bool Continues(in SpooledRun next) =>
        next.File == File && next.Record == Record && next.PackOffset == PackOffset && next.StoredLength == StoredLength
        && next.Offset == Offset + Length && next.SliceOffset == SliceOffset + Length;
}
