using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

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
    static readonly SafeFileHandle CurrentDirectory = new(LibC.AT_FDCWD, ownsHandle: false);

    /// <summary>The stamp of whatever has this name now, symbolic links followed; null when nothing has.</summary>
    /// <exception cref="IOException">The file system gives no answer.</exception>
    public static FileStamp? Of(string path)
    {
        if (LibC.StatX(CurrentDirectory, path, 0, LibC.STATX_TYPE_MODE_NLINK_UID_MTIME_INO_SIZE_BTIME, out var status) == 0)
        {
            return From(status);
        }

        return Marshal.GetLastPInvokeError() is LibC.ENOENT or LibC.ENOTDIR
            ? null
            : throw new IOException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>The stamp of an open file.</summary>
    /// <exception cref="IOException">The file system gives no answer.</exception>
    public static FileStamp Of(SafeFileHandle file) =>
        LibC.StatX(file, "", LibC.AT_EMPTY_PATH, LibC.STATX_TYPE_MODE_NLINK_UID_MTIME_INO_SIZE_BTIME, out var status) == 0
            ? From(status)
            : throw new IOException(Marshal.GetLastPInvokeErrorMessage());

    static FileStamp From(FileStatus status) =>
        new(status.DeviceMajor, status.DeviceMinor, status.Inode, (long)status.Size, status.ModifiedSeconds, status.ModifiedNanoseconds);
}
