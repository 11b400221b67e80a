using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
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
    const uint FileMode = 0b110_000_000;
    const int MinPreallocated = 256 * 1024;
    const int CopyBuffer = 1024 * 1024;
    const int WriteSlice = 4 * 1024 * 1024;
    const int ListBatch = 256;
    const int MaxAttempts = 64;

    readonly FileErrors _errors;
    readonly FileSystemFeatures _features;
    readonly RepositoryTree _tree;

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
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The repository's directory.</summary>
    public string RootDirectory { get; }

    /// <inheritdoc/>
    public string Location => $"file://{string.Join('/', RootDirectory.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>
    /// What the file system supports; <see cref="StoreCapabilities.DurableOnReturn"/> is false, with a remark, once it has refused to fsync a directory.
    /// Asks the file system where the root exists.
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
                DurableOnReturn: _features.DirectorySync,
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

    static (string Directory, string Name) Split(string key)
    {
        var slash = key.LastIndexOf('/');
        return slash < 0 ? ("", key) : (key[..slash], key[(slash + 1)..]);
    }

    ObjectInfo? Stat(string key)
    {
        var (directoryKey, name) = Split(key);
        using var directory = _tree.OpenDirectory(directoryKey, key);
        if (directory is null || !_tree.TryStat(directory, name, key, _tree.PathOf(key), out var status) || status.IsDirectory)
        {
            return null;
        }

        RequireRegularFile(key, status);
        return new ObjectInfo(key, (long)status.Size, status.Modified);
    }

    void RequireRegularFile(string key, in FileStatus status)
    {
        if (!status.IsRegularFile)
        {
            throw status.IsSymbolicLink ? _errors.SymbolicLink(key, _tree.PathOf(key)) : _errors.NotAFile(key, _tree.PathOf(key));
        }
    }

    ObjectReadStream OpenRead(string key, ByteRange? range)
    {
        var (directoryKey, name) = Split(key);
        using var directory = _tree.OpenDirectory(directoryKey, key) ?? throw new ObjectNotFoundException(Name, key);
        var handle = OpenObject(directory, name, key);
        try
        {
            _tree.TryStat(handle, "", key, _tree.PathOf(key), out var status);
            if (status.IsDirectory)
            {
                throw new ObjectNotFoundException(Name, key);
            }

            RequireRegularFile(key, status);
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
        var (directoryKey, name) = Split(key);
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

                RequireRegularFile(key, status);
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
        var (directoryKey, name) = Split(key);
        try
        {
            for (var attempt = 0; attempt < MaxAttempts; attempt++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var directory = _tree.OpenOrMakeDirectory(directoryKey, key);
                if (directory is not null && await TryPutIntoAsync(directory, name, key, content, mode, cancellationToken))
                {
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
        catch (StorageException second)
        {
            // The first failure is the one to report.
            _features.Note($"After a failed put an empty directory was left: {second.Reason}.");
        }
    }

    /// <returns>Whether it was put; false when the directory was removed meanwhile.</returns>
    async Task<bool> TryPutIntoAsync(
        SafeFileHandle directory, string name, string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        if (mode == PutMode.CreateNew)
        {
            // Spares the writing. The decision is made by the rename.
            ThrowIfTaken(directory, name, key);
        }

        var temporary = $"{ObjectKey.ReservedPrefix}{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        var handle = CreateTemporary(directory, temporary, key);
        if (handle is null)
        {
            return false;
        }

        try
        {
            using (handle)
            {
                await WriteAsync(handle, key, content, cancellationToken);
                SyncFile(handle, key);
                if (content.Length >= MinPreallocated)
                {
                    // Nobody reads it soon; leave the page cache to the database.
                    LibC.Advise(handle, 0, 0, LibC.POSIX_FADV_DONTNEED);
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (mode == PutMode.CreateNew)
            {
                PublishNew(directory, temporary, name, key);
            }
            else if (LibC.RenameAt(directory, temporary, directory, name) < 0)
            {
                throw PublishError(Marshal.GetLastPInvokeError(), key);
            }
        }
        catch
        {
            RemoveTemporary(directory, temporary, key);
            throw;
        }

        _tree.Sync(directory, key, _tree.PathOf(Split(key).Directory));
        return true;
    }

    void ThrowIfTaken(SafeFileHandle directory, string name, string key)
    {
        if (!_tree.TryStat(directory, name, key, _tree.PathOf(key), out var status))
        {
            return;
        }

        if (status.IsDirectory)
        {
            throw _errors.PrefixInTheWay(key, _tree.PathOf(key));
        }

        RequireRegularFile(key, status);
        // Whoever put it may have been killed before this; our caller may take "exists" for "stored".
        _tree.Sync(directory, key, _tree.PathOf(Split(key).Directory));
        throw new ObjectExistsException(Name, key);
    }

    SafeFileHandle? CreateTemporary(SafeFileHandle directory, string temporary, string key)
    {
        while (true)
        {
            var descriptor = LibC.OpenAt(
                directory, temporary, LibC.O_WRONLY | LibC.O_CREAT | LibC.O_EXCL | LibC.O_NOFOLLOW | LibC.O_CLOEXEC, FileMode);
            if (descriptor >= 0)
            {
                return new SafeFileHandle(descriptor, ownsHandle: true);
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.ENOENT:
                    return null;
                case var errno:
                    throw _errors.From(errno, key, "cannot create a file in", _tree.PathOf(Split(key).Directory));
            }
        }
    }

    async Task WriteAsync(SafeFileHandle handle, string key, ObjectContent content, CancellationToken cancellationToken)
    {
        Preallocate(handle, key, content.Length);
        if (content.TryGetMemory(out var memory))
        {
            for (var offset = 0; offset < memory.Length; offset += WriteSlice)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Write(handle, key, memory.Span.Slice(offset, Math.Min(WriteSlice, memory.Length - offset)));
            }

            return;
        }

        var source = content.OpenRead();
        await using (source)
        {
            await CopyAsync(source, handle, key, content.Length, cancellationToken);
        }
    }

    async Task CopyAsync(Stream source, SafeFileHandle handle, string key, long length, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(length, 1, CopyBuffer));
        try
        {
            var total = 0L;
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
            {
                total += read;
                if (total > length)
                {
                    throw WrongLength(key, $"more than the {length} bytes");
                }

                Write(handle, key, buffer.AsSpan(0, read));
            }

            if (total < length)
            {
                throw WrongLength(key, $"{total} instead of the {length} bytes");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    StorageException WrongLength(string key, string what) => _errors.Error(
        key, $"its content gave {what} announced", transient: false, "the source changed while it was read; take it again");

    // Finds a full disk before anything is written, and lets the file system choose one extent.
    void Preallocate(SafeFileHandle handle, string key, long length)
    {
        if (length < MinPreallocated || !_features.Preallocation)
        {
            return;
        }

        while (LibC.Allocate(handle, 0, 0, length) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.EOPNOTSUPP or LibC.ENOSYS or LibC.EINVAL:
                    _features.Preallocation = false;
                    return;
                case var errno:
                    throw _errors.From(errno, key, $"cannot reserve {length} bytes for", _tree.PathOf(key));
            }
        }
    }

    void Write(SafeFileHandle handle, string key, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var written = LibC.Write(handle, bytes, bytes.Length);
            if (written > 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            var errno = written == 0 ? LibC.EIO : Marshal.GetLastPInvokeError();
            if (errno != LibC.EINTR)
            {
                throw _errors.From(errno, key, "cannot write", _tree.PathOf(key));
            }
        }
    }

    void SyncFile(SafeFileHandle handle, string key)
    {
        while (LibC.FSync(handle) < 0)
        {
            if (Marshal.GetLastPInvokeError() is not LibC.EINTR and var errno)
            {
                throw _errors.From(errno, key, "cannot fsync", _tree.PathOf(key));
            }
        }
    }

    void PublishNew(SafeFileHandle directory, string temporary, string name, string key)
    {
        if (_features.RenameWithoutReplacing)
        {
            if (LibC.RenameAt2(directory, temporary, directory, name, LibC.RENAME_NOREPLACE) == 0)
            {
                return;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EEXIST:
                    ThrowIfTaken(directory, name, key);
                    throw _errors.Error(key, "was taken and removed again while it was put", transient: true);
                case LibC.EINVAL or LibC.ENOSYS or LibC.EOPNOTSUPP:
                    _features.RenameWithoutReplacing = false;
                    break;
                case var errno:
                    throw PublishError(errno, key);
            }
        }

        PublishNewByLink(directory, temporary, name, key);
    }

    void PublishNewByLink(SafeFileHandle directory, string temporary, string name, string key)
    {
        if (LibC.LinkAt(directory, temporary, directory, name, 0) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                // A network file system may have lost the answer to a call that did its work: then there are two names.
                case LibC.EEXIST when _tree.TryStat(directory, temporary, key, _tree.PathOf(key), out var status) && status.LinkCount == 2:
                    break;
                case LibC.EEXIST:
                    ThrowIfTaken(directory, name, key);
                    throw _errors.Error(key, "was taken and removed again while it was put", transient: true);
                case LibC.EPERM or LibC.EOPNOTSUPP or LibC.ENOSYS or LibC.EMLINK:
                    throw _errors.Error(
                        key, $"the file system of {RootDirectory} offers no way to create a file only if it is absent", transient: false,
                        "use a file system with renameat2 or hard links");
                case var errno:
                    throw PublishError(errno, key);
            }
        }

        RemoveTemporary(directory, temporary, key);
    }

    StorageException PublishError(int errno, string key) => errno is LibC.EISDIR or LibC.ENOTEMPTY
        ? _errors.PrefixInTheWay(key, _tree.PathOf(key))
        : _errors.From(errno, key, "cannot rename the finished file to", _tree.PathOf(key));

    void RemoveTemporary(SafeFileHandle directory, string temporary, string key)
    {
        if (LibC.UnlinkAt(directory, temporary, 0) < 0 && Marshal.GetLastPInvokeError() is not LibC.ENOENT and var errno)
        {
            // Invisible, and removed by a put after a day; not worth hiding what led here.
            _features.Note(
                $"The unfinished object {_tree.PathOf(Split(key).Directory)}/{temporary} cannot be removed: {Marshal.GetPInvokeErrorMessage(errno)}.");
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
