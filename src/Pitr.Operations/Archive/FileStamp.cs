using Microsoft.Win32.SafeHandles;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Archive;

/// <summary>
/// Tells one file from another that had or later has the same name, and one state of it from another: a recreated cluster, a recycled
/// segment (PostgreSQL renames it before it writes into it), a file that grew.
/// </summary>
/// <param name="DeviceMajor">With the next two: which file it is, whatever its name.</param>
/// <param name="DeviceMinor">See above.</param>
/// <param name="Inode">See above.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModifiedSeconds">With the next: when its content was last written, since 1970.</param>
/// <param name="ModifiedNanoseconds">See above.</param>
public readonly record struct FileStamp(uint DeviceMajor, uint DeviceMinor, ulong Inode, long Length, long ModifiedSeconds, uint ModifiedNanoseconds)
{
    /// <summary>The stamp of whatever has this name now; null when nothing has.</summary>
    /// <exception cref="IOException">The file system gives no answer.</exception>
    public static FileStamp? Of(string path) => LibC.Status(path) is { } status ? From(status) : null;

    /// <summary>The stamp of an open file.</summary>
    /// <exception cref="IOException">The file system gives no answer.</exception>
    public static FileStamp Of(SafeFileHandle file) => From(LibC.Status(file));

    static FileStamp From(FileStatus status) =>
        new(status.DeviceMajor, status.DeviceMinor, status.Inode, (long)status.Size, status.ModifiedSeconds, status.ModifiedNanoseconds);
}
