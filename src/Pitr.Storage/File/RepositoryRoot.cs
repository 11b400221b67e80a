using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// The repository's own directory, which may be a symbolic link, a mount point, or missing because it is not mounted:
/// an absent or empty root where objects were seen before is never taken for a new repository.
/// </summary>
sealed class RepositoryRoot(string path, FileErrors errors, DirectoryReader reader, DirectoryDurability durability)
{
    /// <summary>Mode of every directory made: its owner's alone.</summary>
    public const uint DirectoryMode = 0b111_000_000;

    readonly Lock _lock = new();
    FileIdentity? _identity;
    volatile bool _holdsObjects;

    /// <summary>Whether this entry of the root is <c>lost+found</c> of ext file systems, which root alone can read.</summary>
    public static bool IsTheFileSystems(DirectoryEntry entry) => entry is { IsDirectory: true, Name: ObjectKey.FileSystemDirectory };

    /// <summary>An object was seen or put here.</summary>
    public void HoldsObjects() => _holdsObjects = true;

    /// <summary>Opens the root.</summary>
    /// <exception cref="StorageException">It is missing, or was replaced by an empty directory.</exception>
    public SafeFileHandle Open() => TryOpen() ?? throw (_holdsObjects ? errors.RootVanished() : errors.RootMissing());

    /// <summary>Opens the root; <see langword="null"/> when it does not exist.</summary>
    /// <exception cref="StorageException">It was replaced by an empty directory, or cannot be examined.</exception>
    public SafeFileHandle? TryOpen()
    {
        var handle = TryOpen(path, out var errno);
        if (handle is null)
        {
            return errno == LibC.ENOENT ? null : throw errors.From(errno, key: null, "cannot open the repository directory", path);
        }

        try
        {
            Recognize(handle);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens the root, making it and its parents where they are missing and no object was ever seen here.</summary>
    public SafeFileHandle OpenOrMake()
    {
        if (TryOpen() is { } existing)
        {
            try
            {
                MakeNameDurable(existing);
                return existing;
            }
            catch
            {
                existing.Dispose();
                throw;
            }
        }

        if (_holdsObjects)
        {
            throw errors.RootVanished();
        }

        MakeDirectories(path);
        return Open();
    }

    static SafeFileHandle? TryOpen(string path, out int errno)
    {
        int descriptor;
        do
        {
            descriptor = LibC.Open(path, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC, 0);
            errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errno == LibC.EINTR);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    static int TryMake(string path) => LibC.MakeDirectory(path, DirectoryMode) == 0 ? 0 : Marshal.GetLastPInvokeError();

    // An unmounted disk leaves its empty mount point behind, which looks like a new repository. It must not be filled.
    void Recognize(SafeFileHandle handle)
    {
        errors.TryStat(handle, "", key: null, path, out var status);
        lock (_lock)
        {
            if (_identity == status.Identity)
            {
                return;
            }

            if (_identity is not null)
            {
                if (_holdsObjects && reader.Read(handle, key: null, path, unfinished: false).TrueForAll(IsTheFileSystems))
                {
                    throw errors.RootVanished();
                }

                durability.Forget();
            }

            _identity = status.Identity;
        }
    }

    // Whoever made it may not have come to the fsync of its parent. A mount point needs none.
    void MakeNameDurable(SafeFileHandle handle)
    {
        errors.TryStat(handle, "", key: null, path, out var status);
        if (Path.GetDirectoryName(path) is not { } above || durability.Knows(status.Identity))
        {
            return;
        }

        using var parent = TryOpen(above, out var errno);
        if (parent is null && errno is not (LibC.EACCES or LibC.EPERM))
        {
            throw errors.From(errno, key: null, "cannot open the directory", above);
        }

        if (parent is not null)
        {
            errors.TryStat(parent, "", key: null, above, out var aboveStatus);
            if (aboveStatus.Identity.IsOnDeviceOf(status.Identity))
            {
                durability.Sync(parent, key: null, above);
            }
        }

        durability.Remember(status.Identity);
    }

    void MakeDirectories(string directory)
    {
        var parent = Path.GetDirectoryName(directory);
        if (parent is null)
        {
            return;
        }

        var errno = TryMake(directory);
        if (errno == LibC.ENOENT)
        {
            MakeDirectories(parent);
            errno = TryMake(directory);
        }

        if (errno is not 0 and not LibC.EEXIST)
        {
            throw errors.From(errno, key: null, "cannot create the repository directory", directory);
        }

        using var handle = TryOpen(parent, out errno) ?? throw errors.From(errno, key: null, "cannot open the directory", parent);
        durability.Sync(handle, key: null, parent);
    }
}
