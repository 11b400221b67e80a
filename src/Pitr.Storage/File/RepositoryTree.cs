using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// The directories of a repository. Every step down is taken relative to the directory above and refuses symbolic links, so that no key leads
/// out of the root, whatever is done to the tree meanwhile.
/// </summary>
sealed class RepositoryTree
{
    /// <summary>Unfinished objects older than this belong to nobody any more.</summary>
    public static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(24);

    const int MaxRemembered = 8192;

    readonly string _path;
    readonly FileErrors _errors;
    readonly FileSystemFeatures _features;
    readonly TimeProvider _timeProvider;
    readonly DirectoryReader _reader;
    readonly DirectoryDurability _durability;
    readonly ConcurrentDictionary<FileIdentity, DateTimeOffset> _lookedForLeftovers = new();

    public RepositoryTree(string path, FileErrors errors, FileSystemFeatures features, TimeProvider timeProvider)
    {
        _path = path;
        _errors = errors;
        _features = features;
        _timeProvider = timeProvider;
        _reader = new DirectoryReader(errors);
        _durability = new DirectoryDurability(path, errors, features);
        Root = new RepositoryRoot(path, errors, _reader, _durability);
    }

    /// <summary>The repository's own directory.</summary>
    public RepositoryRoot Root { get; }

    /// <summary>The directory and the file name of a key.</summary>
    public static (string Directory, string Name) Split(string key)
    {
        var slash = key.LastIndexOf('/');
        return slash < 0 ? ("", key) : (key[..slash], key[(slash + 1)..]);
    }

    /// <summary>The path of a key or prefix, for messages.</summary>
    public string PathOf(string key) => key.Length == 0 ? _path : $"{_path}/{key.TrimEnd('/')}";

    /// <summary>Opens a directory below the root; <see langword="null"/> when it is proven absent. The root itself must be there.</summary>
    public SafeFileHandle? OpenDirectory(string directoryKey, string? key)
    {
        var current = Root.Open();
        foreach (var part in Parts(directoryKey))
        {
            SafeFileHandle? child;
            try
            {
                child = OpenChild(current, part, directoryKey, key, out _);
            }
            finally
            {
                current.Dispose();
            }

            if (child is null)
            {
                return null;
            }

            current = child;
        }

        return current;
    }

    /// <summary>
    /// Opens the directory for a put, making it and its parents where needed, and makes every name on the way durable.
    /// <see langword="null"/> when somebody removed an empty directory at that moment: try again.
    /// </summary>
    public SafeFileHandle? OpenOrMakeDirectory(string directoryKey, string key)
    {
        var current = Root.OpenOrMake();
        foreach (var part in Parts(directoryKey))
        {
            SafeFileHandle? child;
            try
            {
                child = OpenOrMakeChild(current, part, directoryKey, key);
            }
            finally
            {
                current.Dispose();
            }

            if (child is null)
            {
                return null;
            }

            current = child;
        }

        try
        {
            RemoveLeftovers(current, directoryKey);
            return current;
        }
        catch
        {
            current.Dispose();
            throw;
        }
    }

    /// <summary>Removes the directory and its parents up to the root as far as they are empty.</summary>
    public void RemoveEmptyDirectories(string directoryKey)
    {
        while (directoryKey.Length > 0)
        {
            var (above, name) = Split(directoryKey);
            using var parent = OpenDirectory(above, key: null);
            if (parent is null)
            {
                return;
            }

            if (LibC.UnlinkAt(parent, name, LibC.AT_REMOVEDIR) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                // Not empty, not ours, a mount point, gone: all of them fine, an empty directory is no object.
                if (errno is LibC.ENOTEMPTY or LibC.EEXIST or LibC.EBUSY or LibC.ENOENT or LibC.EACCES or LibC.EPERM or LibC.EROFS)
                {
                    return;
                }

                throw _errors.From(errno, directoryKey + "/", "cannot remove the empty directory", PathOf(directoryKey));
            }

            Sync(parent, key: null, PathOf(above));
            directoryKey = above;
        }
    }

    /// <inheritdoc cref="FileErrors.TryStat"/>
    public bool TryStat(SafeFileHandle directory, string name, string? key, string path, out FileStatus status) =>
        _errors.TryStat(directory, name, key, path, out status);

    /// <summary>The entries of a directory that can belong to keys, in the order of keys.</summary>
    public List<DirectoryEntry> ReadEntries(SafeFileHandle directory, string directoryKey)
    {
        var entries = _reader.Read(directory, directoryKey, PathOf(directoryKey), unfinished: false);
        if (directoryKey.Length == 0)
        {
            entries.RemoveAll(RepositoryRoot.IsTheFileSystems);
        }

        entries.Sort((left, right) => ObjectKey.Compare(left.SortName, right.SortName));
        return entries;
    }

    /// <summary>Makes the names in a directory durable.</summary>
    public void Sync(SafeFileHandle directory, string? key, string path) => _durability.Sync(directory, key, path);

    /// <summary>Finds out early what the file system is and whether directories can be fsynced, where the root exists already.</summary>
    public void Probe()
    {
        using var handle = Root.TryOpen();
        if (handle is not null)
        {
            _features.Recognize(handle, _path);
            Sync(handle, key: null, _path);
        }
    }

    /// <summary>Opens a directory in a directory; <see langword="null"/>, with the error number, when there is no directory of that name.</summary>
    /// <exception cref="StorageException">It is a symbolic link, or could not be opened.</exception>
    public SafeFileHandle? OpenChild(SafeFileHandle parent, string part, string directoryKey, string? key, out int errno)
    {
        int descriptor;
        do
        {
            descriptor = LibC.OpenAt(parent, part, LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_NOFOLLOW | LibC.O_CLOEXEC, 0);
            errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errno == LibC.EINTR);
        switch (errno)
        {
            case 0:
                return new SafeFileHandle(descriptor, ownsHandle: true);
            case LibC.ENOENT:
                return null;
            case LibC.ENOTDIR or LibC.ELOOP:
                var path = PathOf(directoryKey);
                return TryStat(parent, part, key, path, out var status) && status.IsSymbolicLink
                    ? throw _errors.SymbolicLink(key, $"{path} (\"{part}\")")
                    : null;
            default:
                throw _errors.From(errno, key, "cannot open the directory", PathOf(directoryKey));
        }
    }

    static string[] Parts(string directoryKey) => directoryKey.Length == 0 ? [] : directoryKey.Split('/');

    SafeFileHandle? OpenOrMakeChild(SafeFileHandle parent, string part, string directoryKey, string key)
    {
        var child = OpenChild(parent, part, directoryKey, key, out var errno);
        if (child is null)
        {
            if (errno == LibC.ENOTDIR)
            {
                throw _errors.ObjectInTheWay(key, PathOf(directoryKey));
            }

            if (LibC.MakeDirectoryAt(parent, part, RepositoryRoot.DirectoryMode) < 0)
            {
                errno = Marshal.GetLastPInvokeError();
                switch (errno)
                {
                    case LibC.EEXIST:
                        break;
                    case LibC.ENOENT:
                        return null;
                    default:
                        throw _errors.From(errno, key, "cannot create the directory", PathOf(directoryKey));
                }
            }

            child = OpenChild(parent, part, directoryKey, key, out _);
            if (child is null)
            {
                return null;
            }
        }

        try
        {
            TryStat(child, "", key, PathOf(directoryKey), out var status);
            // Also when somebody else made it: that one may not have come to its fsync yet, and our object must not depend on it.
            if (!_durability.Knows(status.Identity))
            {
                Sync(parent, key, PathOf(directoryKey));
                _durability.Remember(status.Identity);
            }

            return child;
        }
        catch
        {
            child.Dispose();
            throw;
        }
    }

    // Killed puts leave unfinished objects. A directory is looked through on the first put into it and once a day after that.
    void RemoveLeftovers(SafeFileHandle directory, string directoryKey)
    {
        TryStat(directory, "", key: null, PathOf(directoryKey), out var status);
        var now = _timeProvider.GetUtcNow();
        if (_lookedForLeftovers.TryGetValue(status.Identity, out var looked) && now - looked < LeftoverAge)
        {
            return;
        }

        if (_lookedForLeftovers.Count >= MaxRemembered)
        {
            _lookedForLeftovers.Clear();
        }

        _lookedForLeftovers[status.Identity] = now;
        foreach (var entry in _reader.Read(directory, directoryKey, PathOf(directoryKey), unfinished: true))
        {
            var path = $"{PathOf(directoryKey)}/{entry.Name}";
            if (entry.IsRegularFile
                && TryStat(directory, entry.Name, key: null, path, out var file)
                && now - file.Modified > LeftoverAge
                && LibC.UnlinkAt(directory, entry.Name, 0) < 0
                && Marshal.GetLastPInvokeError() is not LibC.ENOENT and var errno)
            {
                _features.Note($"The unfinished object {path} cannot be removed: {Marshal.GetPInvokeErrorMessage(errno)}.");
            }
        }
    }
}
