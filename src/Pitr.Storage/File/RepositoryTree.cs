using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// The directories of a repository. Every step down is taken relative to the directory above and refuses symbolic links, so that no key leads
/// out of the root, whatever is done to the tree meanwhile.
/// </summary>
sealed class RepositoryTree(string root, FileErrors errors, FileSystemFeatures features, TimeProvider timeProvider)
{
    /// <summary>Unfinished objects older than this belong to nobody any more.</summary>
    public static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(24);

    // The kernel's own file at the root of ext file systems, readable by root alone.
    const string LostAndFound = "lost+found";
    const uint DirectoryMode = 0b111_000_000;
    const int MaxRemembered = 8192;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly Lock _lock = new();

    // Directories whose own names are known to be durable, with the last time their leftovers were looked at.
    readonly ConcurrentDictionary<FileIdentity, DateTimeOffset> _durable = new();
    FileIdentity? _root;

    /// <summary>The path of a key or prefix, for messages.</summary>
    public string PathOf(string key) => key.Length == 0 ? root : $"{root}/{key.TrimEnd('/')}";

    /// <summary>Opens the root.</summary>
    /// <exception cref="StorageException">It is missing or was replaced by an empty directory.</exception>
    public SafeFileHandle OpenRoot() => TryOpenRoot() ?? throw (HasSeenRoot ? errors.RootVanished() : errors.RootMissing());

    /// <summary>Opens a directory below the root; <see langword="null"/> when it is proven absent. The root itself must be there.</summary>
    public SafeFileHandle? OpenDirectory(string directoryKey, string? key)
    {
        var current = OpenRoot();
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
        var current = OpenOrMakeRoot();
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

        RemoveLeftovers(current, directoryKey);
        return current;
    }

    /// <summary>Removes the directory and its parents up to the root as far as they are empty.</summary>
    public void RemoveEmptyDirectories(string directoryKey)
    {
        while (directoryKey.Length > 0)
        {
            var slash = directoryKey.LastIndexOf('/');
            var above = slash < 0 ? "" : directoryKey[..slash];
            using var parent = OpenDirectory(above, key: null);
            if (parent is null)
            {
                return;
            }

            if (LibC.UnlinkAt(parent, directoryKey[(slash + 1)..], LibC.AT_REMOVEDIR) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                // Not empty, not ours, a mount point, gone: all of them fine, an empty directory is no object.
                if (errno is LibC.ENOTEMPTY or LibC.EEXIST or LibC.EBUSY or LibC.ENOENT or LibC.EACCES or LibC.EPERM or LibC.EROFS)
                {
                    return;
                }

                throw errors.From(errno, directoryKey + "/", "cannot remove the empty directory", PathOf(directoryKey));
            }

            Sync(parent, key: null, PathOf(above));
            directoryKey = above;
        }
    }

    /// <summary>Makes the names in a directory durable.</summary>
    public void Sync(SafeFileHandle directory, string? key, string path)
    {
        if (!features.DirectorySync)
        {
            return;
        }

        while (LibC.FSync(directory) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.EINVAL or LibC.EOPNOTSUPP or LibC.ENOSYS:
                    features.LoseDirectorySync(root);
                    return;
                case var errno:
                    throw errors.From(errno, key, "cannot fsync the directory", path);
            }
        }
    }

    /// <summary>Finds out early whether directories can be fsynced, where the root exists already.</summary>
    public void Probe()
    {
        using var handle = TryOpenRoot();
        if (handle is not null)
        {
            Sync(handle, key: null, root);
        }
    }

    /// <summary>The entries of a directory that can belong to keys, in the order of keys.</summary>
    public List<DirectoryEntry> ReadEntries(SafeFileHandle directory, string directoryKey)
    {
        var entries = ReadNames(directory, directoryKey, unfinished: false);
        if (directoryKey.Length == 0)
        {
            entries.RemoveAll(entry => entry is { IsDirectory: true, Name: LostAndFound });
        }

        entries.Sort((left, right) => ObjectKey.Compare(left.SortName, right.SortName));
        return entries;
    }

    /// <summary>What a name in a directory names, without following links; <see langword="false"/> when there is nothing.</summary>
    public bool TryStat(SafeFileHandle directory, string name, string? key, string path, out FileStatus status)
    {
        while (LibC.StatX(
            directory, name, LibC.AT_SYMLINK_NOFOLLOW | (name.Length == 0 ? LibC.AT_EMPTY_PATH : 0),
            LibC.STATX_TYPE_MODE_NLINK_MTIME_INO_SIZE_BTIME, out status) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.ENOENT:
                    return false;
                case var errno:
                    throw errors.From(errno, key, "cannot examine", path);
            }
        }

        return true;
    }

    bool HasSeenRoot
    {
        get
        {
            lock (_lock)
            {
                return _root is not null;
            }
        }
    }

    static string[] Parts(string directoryKey) => directoryKey.Length == 0 ? [] : directoryKey.Split('/');

    static SafeFileHandle? OpenPath(string path, out int errno)
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

    SafeFileHandle? TryOpenRoot()
    {
        var handle = OpenPath(root, out var errno);
        if (handle is null)
        {
            return errno == LibC.ENOENT ? null : throw errors.From(errno, key: null, "cannot open the repository directory", root);
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

    // An unmounted disk leaves its empty mount point behind, which looks like a new repository. It must not be filled.
    void Recognize(SafeFileHandle handle)
    {
        TryStat(handle, "", key: null, root, out var status);
        lock (_lock)
        {
            if (_root == status.Identity)
            {
                return;
            }

            if (_root is not null)
            {
                if (ReadEntries(handle, "").Count == 0)
                {
                    throw errors.RootVanished();
                }

                _durable.Clear();
            }

            _root = status.Identity;
        }
    }

    SafeFileHandle OpenOrMakeRoot()
    {
        if (TryOpenRoot() is { } existing)
        {
            return existing;
        }

        if (HasSeenRoot)
        {
            throw errors.RootVanished();
        }

        MakeDirectories(root);
        return OpenRoot();
    }

    void MakeDirectories(string path)
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return;
        }

        var errno = TryMakeDirectory(path);
        if (errno == LibC.ENOENT)
        {
            MakeDirectories(parent);
            errno = TryMakeDirectory(path);
        }

        if (errno is not 0 and not LibC.EEXIST)
        {
            throw errors.From(errno, key: null, "cannot create the repository directory", path);
        }

        SyncPath(parent);
    }

    static int TryMakeDirectory(string path) => LibC.MakeDirectory(path, DirectoryMode) == 0 ? 0 : Marshal.GetLastPInvokeError();

    void SyncPath(string path)
    {
        using var handle = OpenPath(path, out var errno) ?? throw errors.From(errno, key: null, "cannot open the directory", path);
        Sync(handle, key: null, path);
    }

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
                    ? throw errors.SymbolicLink(key, $"{path} (\"{part}\")")
                    : null;
            default:
                throw errors.From(errno, key, "cannot open the directory", PathOf(directoryKey));
        }
    }

    SafeFileHandle? OpenOrMakeChild(SafeFileHandle parent, string part, string directoryKey, string key)
    {
        var child = OpenChild(parent, part, directoryKey, key, out var errno);
        if (child is null)
        {
            if (errno == LibC.ENOTDIR)
            {
                throw errors.ObjectInTheWay(key, PathOf(directoryKey));
            }

            if (LibC.MakeDirectoryAt(parent, part, DirectoryMode) < 0)
            {
                errno = Marshal.GetLastPInvokeError();
                switch (errno)
                {
                    case LibC.EEXIST:
                        break;
                    case LibC.ENOENT:
                        return null;
                    default:
                        throw errors.From(errno, key, "cannot create the directory", PathOf(directoryKey));
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
            if (!_durable.ContainsKey(status.Identity))
            {
                Sync(parent, key, PathOf(directoryKey));
                if (_durable.Count >= MaxRemembered)
                {
                    _durable.Clear();
                }

                _durable[status.Identity] = DateTimeOffset.MinValue;
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
        var now = timeProvider.GetUtcNow();
        if (_durable.TryGetValue(status.Identity, out var looked) && now - looked < LeftoverAge)
        {
            return;
        }

        _durable[status.Identity] = now;
        foreach (var entry in ReadNames(directory, directoryKey, unfinished: true))
        {
            var path = $"{PathOf(directoryKey)}/{entry.Name}";
            if (entry.IsRegularFile
                && TryStat(directory, entry.Name, key: null, path, out var file)
                && now - file.Modified > LeftoverAge
                && LibC.UnlinkAt(directory, entry.Name, 0) < 0
                && Marshal.GetLastPInvokeError() is not LibC.ENOENT and var errno)
            {
                features.Note($"The unfinished object {path} cannot be removed: {Marshal.GetPInvokeErrorMessage(errno)}.");
            }
        }
    }

    List<DirectoryEntry> ReadNames(SafeFileHandle directory, string directoryKey, bool unfinished)
    {
        var path = PathOf(directoryKey);
        // A descriptor of its own: the stream owns the one it is given, and reading moves its position.
        var descriptor = LibC.OpenAt(directory, ".", LibC.O_RDONLY | LibC.O_DIRECTORY | LibC.O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == LibC.ENOENT ? [] : throw errors.From(errno, directoryKey, "cannot list the directory", path);
        }

        var stream = LibC.OpenDirectoryStream(descriptor);
        if (stream == 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            LibC.Close(descriptor);
            throw errors.From(errno, directoryKey, "cannot list the directory", path);
        }

        try
        {
            var entries = new List<DirectoryEntry>();
            while (true)
            {
                var entry = LibC.ReadDirectory(stream);
                if (entry == 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    return errno switch
                    {
                        0 => entries,
                        LibC.ENOENT => [],
                        _ => throw errors.From(errno, directoryKey, "cannot list the directory", path),
                    };
                }

                if (NameOf(entry) is { } name
                    && name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal) == unfinished
                    && TryClassify(directory, name, path, Marshal.ReadByte(entry, LibC.DirentType)) is { } classified)
                {
                    entries.Add(classified);
                }
            }
        }
        finally
        {
            LibC.CloseDirectoryStream(stream);
        }
    }

    // Names that no key can have were not put here by us and are left alone.
    static string? NameOf(nint entry)
    {
        unsafe
        {
            var bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + LibC.DirentName);
            try
            {
                var name = StrictUtf8.GetString(bytes);
                return name is "." or ".." || !(name.StartsWith(ObjectKey.ReservedPrefix, StringComparison.Ordinal) || ObjectKey.IsValid(name))
                    ? null
                    : name;
            }
            catch (DecoderFallbackException)
            {
                return null;
            }
        }
    }

    DirectoryEntry? TryClassify(SafeFileHandle directory, string name, string path, byte type)
    {
        if (type != LibC.DT_UNKNOWN)
        {
            return new DirectoryEntry(name, type == LibC.DT_DIR, type == LibC.DT_REG);
        }

        return TryStat(directory, name, key: null, $"{path}/{name}", out var status)
            ? new DirectoryEntry(name, status.IsDirectory, status.IsRegularFile)
            : null;
    }
}
