using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// Puts an object into a directory: written under a name that is no key, fsynced, given its name, and the directory fsynced.
/// The only place where objects come into being.
/// </summary>
sealed class ObjectWriter(string repository, RepositoryTree tree, FileErrors errors, FileSystemFeatures features)
{
    const uint FileMode = 0b110_000_000;
    const int MinPreallocated = 256 * 1024;
    const int CopyBuffer = 1024 * 1024;
    const int WriteSlice = 4 * 1024 * 1024;

    /// <summary>Puts an object into its open directory.</summary>
    /// <returns>Whether it was put; false when the directory was removed meanwhile.</returns>
    public async Task<bool> TryPutAsync(
        SafeFileHandle directory, string key, ObjectContent content, PutMode mode, CancellationToken cancellationToken)
    {
        var name = RepositoryTree.Split(key).Name;
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

        tree.Sync(directory, key, DirectoryPathOf(key));
        return true;
    }

    void ThrowIfTaken(SafeFileHandle directory, string name, string key)
    {
        if (!tree.TryStat(directory, name, key, tree.PathOf(key), out var status))
        {
            return;
        }

        if (status.IsDirectory)
        {
            throw errors.PrefixInTheWay(key, tree.PathOf(key));
        }

        errors.RequireRegularFile(key, tree.PathOf(key), status);
        // Whoever put it may have been killed before this; our caller may take "exists" for "stored".
        tree.Sync(directory, key, DirectoryPathOf(key));
        throw new ObjectExistsException(repository, key);
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
                    throw errors.From(errno, key, "cannot create a file in", DirectoryPathOf(key));
            }
        }
    }

    async Task WriteAsync(SafeFileHandle handle, string key, ObjectContent content, CancellationToken cancellationToken)
    {
        Preallocate(handle, key, content.Length);
        if (content.TryGetMemory(out var memory))
        {
            for (int offset = 0, count; offset < memory.Length; offset += count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                count = content.MaxSend(Math.Min(WriteSlice, memory.Length - offset));
                await content.BeforeSendingAsync(count, cancellationToken);
                Write(handle, key, memory.Span.Slice(offset, count));
            }

            return;
        }

        var source = content.OpenRead();
        await using (source)
        {
            await CopyAsync(source, handle, key, content, cancellationToken);
        }
    }

    async Task CopyAsync(Stream source, SafeFileHandle handle, string key, ObjectContent content, CancellationToken cancellationToken)
    {
        var length = content.Length;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(length, 1, CopyBuffer));
        try
        {
            var total = 0L;
            int read;
            while ((read = await source.ReadAsync(buffer.AsMemory(0, content.MaxSend(buffer.Length)), cancellationToken)) > 0)
            {
                total += read;
                if (total > length)
                {
                    throw WrongLength(key, $"more than the {length} bytes");
                }

                await content.BeforeSendingAsync(read, cancellationToken);
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

    StorageException WrongLength(string key, string what) => errors.Error(
        key, $"its content gave {what} announced", transient: false, "the source changed while it was read; take it again");

    // Finds a full disk before anything is written, and lets the file system choose one extent.
    void Preallocate(SafeFileHandle handle, string key, long length)
    {
        if (length < MinPreallocated || !features.Preallocation)
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
                    features.Preallocation = false;
                    return;
                case var errno:
                    throw errors.From(errno, key, $"cannot reserve {length} bytes for", tree.PathOf(key));
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
                throw errors.From(errno, key, "cannot write", tree.PathOf(key));
            }
        }
    }

    void SyncFile(SafeFileHandle handle, string key)
    {
        while (LibC.FSync(handle) < 0)
        {
            if (Marshal.GetLastPInvokeError() is not LibC.EINTR and var errno)
            {
                throw errors.From(errno, key, "cannot fsync", tree.PathOf(key));
            }
        }
    }

    void PublishNew(SafeFileHandle directory, string temporary, string name, string key)
    {
        if (features.RenameWithoutReplacing)
        {
            switch (RenameWithoutReplacing(directory, temporary, name))
            {
                case 0:
                    return;
                case LibC.EEXIST:
                    ThrowIfTaken(directory, name, key);
                    throw errors.Error(key, "was taken and removed again while it was put", transient: true);
                case LibC.EINVAL or LibC.ENOSYS or LibC.EOPNOTSUPP:
                    features.RenameWithoutReplacing = false;
                    break;
                case var errno:
                    throw PublishError(errno, key);
            }
        }

        PublishNewByLink(directory, temporary, name, key);
    }

    static int RenameWithoutReplacing(SafeFileHandle directory, string temporary, string name)
    {
        try
        {
            return LibC.RenameAt2(directory, temporary, directory, name, LibC.RENAME_NOREPLACE) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        catch (EntryPointNotFoundException)
        {
            // Not in every libc.
            return LibC.ENOSYS;
        }
    }

    void PublishNewByLink(SafeFileHandle directory, string temporary, string name, string key)
    {
        if (LibC.LinkAt(directory, temporary, directory, name, 0) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                // A network file system may have lost the answer to a call that did its work: then there are two names.
                case LibC.EEXIST when tree.TryStat(directory, temporary, key, tree.PathOf(key), out var status) && status.LinkCount == 2:
                    break;
                case LibC.EEXIST:
                    ThrowIfTaken(directory, name, key);
                    throw errors.Error(key, "was taken and removed again while it was put", transient: true);
                case LibC.EPERM or LibC.EOPNOTSUPP or LibC.ENOSYS or LibC.EMLINK:
                    throw errors.Error(
                        key, $"the file system of {tree.PathOf("")} offers no way to create a file only if it is absent", transient: false,
                        "use a file system with renameat2 or hard links");
                case var errno:
                    throw PublishError(errno, key);
            }
        }

        RemoveTemporary(directory, temporary, key);
    }

    StorageException PublishError(int errno, string key) => errno is LibC.EISDIR or LibC.ENOTEMPTY
        ? errors.PrefixInTheWay(key, tree.PathOf(key))
        : errors.From(errno, key, "cannot rename the finished file to", tree.PathOf(key));

    void RemoveTemporary(SafeFileHandle directory, string temporary, string key)
    {
        if (LibC.UnlinkAt(directory, temporary, 0) < 0 && Marshal.GetLastPInvokeError() is not LibC.ENOENT and var errno)
        {
            // Invisible, and removed by a put after a day; not worth hiding what led here.
            features.Note(
                $"The unfinished object {DirectoryPathOf(key)}/{temporary} cannot be removed: {Marshal.GetPInvokeErrorMessage(errno)}.");
        }
    }

    string DirectoryPathOf(string key) => tree.PathOf(RepositoryTree.Split(key).Directory);
}
