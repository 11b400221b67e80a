using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>Turns error numbers of one repository into <see cref="StorageException"/>s that say what to do next.</summary>
sealed class FileErrors(string repository, string root)
{
    public string Repository => repository;

    /// <summary>The error for a failed call.</summary>
    /// <param name="errno">The error number.</param>
    /// <param name="key">The object concerned, if any.</param>
    /// <param name="what">What failed, such as <c>cannot write</c>.</param>
    /// <param name="path">The file or directory it failed on.</param>
    public StorageException From(int errno, string? key, string what, string path)
    {
        var cause = $"{what} {path}: {Marshal.GetPInvokeErrorMessage(errno)}";
        return errno is LibC.ENOSPC or LibC.EDQUOT
            ? Error(key, cause + FreeSpace(), transient: false,
                "free or add space, or let expire remove backups; nothing of this object was kept, and what was acknowledged before is untouched")
            : Error(key, cause, IsTransient(errno), Hint(errno, path));
    }

    public StorageException RootMissing() => Error(
        key: null, $"the repository directory {root} does not exist", transient: false,
        "mount the file system it is on, correct the repository's url, or create the repository");

    public StorageException RootVanished() => Error(
        key: null, $"the repository directory {root}, seen before, is gone or empty: its file system looks unmounted", transient: false,
        "mount it again; nothing is written to the directory that took its place");

    public StorageException SymbolicLink(string? key, string path) => Error(
        key, $"{path} is a symbolic link, and links inside a repository are not followed", transient: false,
        "put the directory itself there, for instance with a bind mount; the repository's root may be a link");

    public StorageException NotAFile(string? key, string path) => Error(
        key, $"{path} is not a regular file", transient: false, "nothing but pitr's objects belongs into a repository; move it away");

    /// <exception cref="StorageException">It is a link, a socket or the like.</exception>
    public void RequireRegularFile(string key, string path, in FileStatus status)
    {
        if (!status.IsRegularFile)
        {
            throw status.IsSymbolicLink ? SymbolicLink(key, path) : NotAFile(key, path);
        }
    }

    public StorageException PrefixInTheWay(string key, string path) => Error(
        key, $"{path} is a directory, so other objects have this key as their prefix", transient: false);

    public StorageException ObjectInTheWay(string key, string path) => Error(
        key, $"{path} is a file, so an object has the key that is needed as a prefix", transient: false);

    public StorageException Error(string? key, string message, bool transient, string? hint = null) =>
        new(repository, key, message, transient, hint);

    /// <summary>What a name in a directory names, without following links; <see langword="false"/> when there is nothing.</summary>
    public bool TryStat(SafeFileHandle directory, string name, string? key, string path, out FileStatus status)
    {
        while (LibC.StatX(
            directory, name, LibC.AT_SYMLINK_NOFOLLOW | (name.Length == 0 ? LibC.AT_EMPTY_PATH : 0),
            LibC.STATX_TYPE_MODE_NLINK_UID_MTIME_INO_SIZE_BTIME, out status) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.ENOENT:
                    return false;
                case var errno:
                    throw From(errno, key, "cannot examine", path);
            }
        }

        return true;
    }

    // EIO is among them: a lost connection of a network file system looks like that, and a put that is tried again writes everything anew.
    static bool IsTransient(int errno) => errno is LibC.EINTR or LibC.EIO or LibC.EAGAIN or LibC.ENOMEM or LibC.EBUSY or LibC.ENFILE
        or LibC.EMFILE or LibC.ETIMEDOUT or LibC.EHOSTDOWN or LibC.ESTALE;

    static string? Hint(int errno, string path) => errno switch
    {
        LibC.EACCES or LibC.EPERM => $"let the user \"{Environment.UserName}\" read and write {path} and everything below it",
        LibC.EROFS => "mount the file system read-write; Linux makes one read-only after a disk error, which the kernel log tells",
        LibC.EIO => "look for disk or network errors in the kernel log",
        LibC.EFBIG => "raise the limit on file sizes (ulimit -f) or use a file system that allows larger files",
        LibC.ENFILE or LibC.EMFILE => "raise the limit on open files (ulimit -n)",
        LibC.ESTALE => "the network file system's server changed; mount it again",
        LibC.ENAMETOOLONG => "use a repository directory with a shorter path, on a file system with names of 255 bytes",
        _ => null,
    };

    string FreeSpace()
    {
        try
        {
            var drive = new DriveInfo(root);
            return $" ({drive.AvailableFreeSpace} of {drive.TotalSize} bytes free)";
        }
        catch (IOException)
        {
            // Only decoration of a message that is complete without it.
            return "";
        }
        catch (UnauthorizedAccessException)
        {
            return "";
        }
    }
}
