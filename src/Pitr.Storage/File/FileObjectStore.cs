using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// A repository in a local directory: one file per object, its path below the root being the key. Linux only.
/// An object is written under a name that is no key, fsynced, renamed, and the directory fsynced, with each directory made for it.
/// Create-if-absent is renameat2 with RENAME_NOREPLACE, or link() where the file system lacks that.
/// The root may be a symbolic link; links inside are refused. The root is made by the first put, readable by its owner only;
/// any other operation on a missing root is an error, because a missing mount is not an empty repository.
/// </summary>
public sealed class FileObjectStore : IObjectStore
{
    const int ListBatch = 256;
    const int MaxAttempts = 64;

    readonly FileErrors _errors;
    readonly FileSystemFeatures _features;
    readonly RepositoryTree _tree;
    readonly ObjectWriter _writer;

    /// <summary>A store in a directory, which need not exist yet.</summary>
    /// <param name="name">The repository's name in the configuration, for messages.</param>
    /// <param name="rootDirectory">An absolute path.</param>
    /// <param name="timeProvider">The clock by which leftovers of killed puts are judged old (24 hours); the system's when <see langword="null"/>.</param>
    /// <exception cref="ArgumentException">The path is not absolute.</exception>
    public FileObjectStore(string name, string rootDirectory, TimeProvider? timeProvider = null)
        : this(name, rootDirectory, timeProvider ?? TimeProvider.System, new FileSystemFeatures())
    {
    }

    internal FileObjectStore(string name, string rootDirectory, TimeProvider timeProvider, FileSystemFeatures features)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentException.ThrowIfNullOrEmpty(rootDirectory);
        if (!Path.IsPathRooted(rootDirectory))
        {
            throw new ArgumentException($"repository directory \"{rootDirectory}\" is not an absolute path", nameof(rootDirectory));
        }

        Name = name;
        RootDirectory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(rootDirectory));
        _errors = new FileErrors(name, RootDirectory);
        _features = features;
        _tree = new RepositoryTree(RootDirectory, _errors, features, timeProvider);
        _writer = new ObjectWriter(name, _tree, _errors, features);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The repository's directory.</summary>
    public string RootDirectory { get; }

    /// <inheritdoc/>
    public string Location => $"file://{string.Join('/', RootDirectory.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>
    /// What the file system supports; <see cref="StoreCapabilities.DurableOnReturn"/> is false, with a remark, once it has refused to fsync a directory,
    /// and where it is kept in memory. On a network or FUSE file system the remark tells what the promises depend on. Asks the file system where the root exists.
    /// </summary>
    /// <exception cref="StorageException">The root cannot be examined.</exception>
    public StoreCapabilities Capabilities
    {
        get
        {
            _tree.Probe();
            return new StoreCapabilities(
                AtomicCreateIfAbsent: true,
                AtomicReplace: true,
                ReadAfterWrite: true,
                DurableOnReturn: _features.Durable,
                _features.Remark);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, ListMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.ValidatePrefix(prefix, mode);
        return ListInBatchesAsync(prefix, mode, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return Task.Run(() => Stat(key), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(string key, ByteRange? range, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return Task.Run<Stream>(() => OpenRead(key, range), cancellationToken);
    }

    /// <inheritdoc/>
    public Task PutAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        ArgumentNullException.ThrowIfNull(content);
        return Task.Run(() => PutCoreAsync(key, content, mode, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKey.Validate(key);
        return Task.Run(() => Delete(key), cancellationToken);
    }

    /// <summary>Does nothing: no handle outlives an operation.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    ObjectInfo? Stat(string key)
    {
        var (directoryKey, name) = RepositoryTree.Split(key);
        using var directory = _tree.OpenDirectory(directoryKey, key);
        if (directory is null || !_tree.TryStat(directory, name, key, _tree.PathOf(key), out var status) || status.IsDirectory)
        {
            return null;
        }

        _errors.RequireRegularFile(key, _tree.PathOf(key), status);
        _tree.Root.HoldsObjects();
        return new ObjectInfo(key, (long)status.Size, status.Modified);
    }

    ObjectReadStream OpenRead(string key, ByteRange? range)
    {
        var (directoryKey, name) = RepositoryTree.Split(key);
        using var directory = _tree.OpenDirectory(directoryKey, key) ?? throw new ObjectNotFoundException(Name, key);
        var handle = OpenObject(directory, name, key);
        try
        {
            _tree.TryStat(handle, "", key, _tree.PathOf(key), out var status);
            if (status.IsDirectory)
            {
                throw new ObjectNotFoundException(Name, key);
            }

            _errors.RequireRegularFile(key, _tree.PathOf(key), status);
            _tree.Root.HoldsObjects();
            var size = (long)status.Size;
            var part = range ?? new ByteRange(0, size);
            if (part.End > size)
            {
                throw _errors.Error(key, $"is {size} bytes long, so it has no {part}", transient: false);
            }

            LibC.Advise(handle, part.Offset, part.Length, LibC.POSIX_FADV_SEQUENTIAL);
            return new ObjectReadStream(handle, part, key, _tree.PathOf(key), _errors);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    SafeFileHandle OpenObject(SafeFileHandle directory, string name, string key)
    {
        while (true)
        {
            // Not blocking, should it be a pipe.
            var descriptor = LibC.OpenAt(directory, name, LibC.O_RDONLY | LibC.O_NOFOLLOW | LibC.O_NONBLOCK | LibC.O_CLOEXEC, 0);
            if (descriptor >= 0)
            {
                return new SafeFileHandle(descriptor, ownsHandle: true);
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.ENOENT:
                    throw new ObjectNotFoundException(Name, key);
                case LibC.ELOOP:
                    throw _errors.SymbolicLink(key, _tree.PathOf(key));
                case var errno:
                    throw _errors.From(errno, key, "cannot open", _tree.PathOf(key));
            }
        }
    }

    void Delete(string key)
    {
        var (directoryKey, name) = RepositoryTree.Split(key);
        using (var directory = _tree.OpenDirectory(directoryKey, key))
        {
            if (directory is null)
            {
                return;
            }

            if (_tree.TryStat(directory, name, key, _tree.PathOf(key), out var status))
            {
                if (status.IsDirectory)
                {
                    return;
                }

                _errors.RequireRegularFile(key, _tree.PathOf(key), status);
                if (LibC.UnlinkAt(directory, name, 0) < 0 && Marshal.GetLastPInvokeError() is not LibC.ENOENT and var errno)
                {
                    throw _errors.From(errno, key, "cannot remove", _tree.PathOf(key));
                }
            }

            // Also when it was gone already: the one who removed it may not have come to this point.
            _tree.Sync(directory, key, _tree.PathOf(directoryKey));
        }

        _tree.RemoveEmptyDirectories(directoryKey);
    }

    async Task PutCoreAsync(string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        var directoryKey = RepositoryTree.Split(key).Directory;
        try
        {
            for (var attempt = 0; attempt < MaxAttempts; attempt++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var directory = _tree.OpenOrMakeDirectory(directoryKey, key);
                if (directory is not null && await _writer.TryPutAsync(directory, key, content, mode, cancellationToken))
                {
                    _tree.Root.HoldsObjects();
                    return;
                }
            }

            throw _errors.Error(key, $"its directory vanished {MaxAttempts} times while the object was put", transient: true);
        }
        catch (Exception failure) when (failure is not ObjectExistsException)
        {
            // The directories made for it may be all that is left of it.
            RemoveEmptyDirectoriesAfterFailure(directoryKey);
            throw;
        }
    }

    void RemoveEmptyDirectoriesAfterFailure(string directoryKey)
    {
        try
        {
            _tree.RemoveEmptyDirectories(directoryKey);
        }
        catch (StorageException)
        {
            // An empty directory is no object. The failure that led here is the one to report.
        }
    }

    async IAsyncEnumerable<ObjectListing> ListInBatchesAsync(
        string prefix, ListMode mode, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var walk = new FileListing(_tree, _errors, prefix, mode);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = await Task.Run(() => walk.Next(ListBatch), cancellationToken);
            if (batch.Found.Count > 0)
            {
                _tree.Root.HoldsObjects();
            }

            foreach (var listing in batch.Found)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return listing;
            }

            batch.Failure?.Throw();
            if (batch.Found.Count == 0)
            {
                yield break;
            }
        }
    }
}
