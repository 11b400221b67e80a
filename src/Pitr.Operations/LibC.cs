using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations;

/// <summary>The C library's calls that the base library does not offer.</summary>
static partial class LibC
{
    const int ReadOnly = 0;
    const int LastStandardStream = 2;
    const int SetFlags = 2;
    const int CloseOnExecFlag = 1;
    const int CloseOnExec = 0x80000;
    const int NoEntry = 2;
    const int AccessDenied = 13;
    const int CrossDevice = 18;
    const int NotDirectory = 20;
    const int NotPermitted = 1;
    const int InvalidArgument = 22;
    const int IllegalSeek = 29;
    const int NotImplemented = 38;
    const int CurrentDirectory = -100;
    const int DoNotFollow = 0x100;
    const uint BasicStatus = 0x7FF;
    const int BlockSize = 512;
    const int WriteAndSearch = 2 | 1;
    const uint WaitBefore = 1;
    const uint StartWriting = 2;
    const uint WaitAfter = 4;
    const int KeepSizeAndPunchHole = 1 | 2;

    /// <summary>Makes everything written to the file system of a directory durable (syncfs(2); Linux 5.8 and later report write errors).</summary>
    /// <exception cref="IOException">The kernel reports an error: what was written is not safe.</exception>
    public static void SyncFileSystem(string directory)
    {
        using var handle = OpenPath(directory, ReadOnly | CloseOnExec);
        if (handle.IsInvalid || SyncFileSystem(handle) != 0)
        {
            throw new IOException($"{directory} could not be made durable: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>
    /// Opens a file for reading (open(2)). The base library would also lock it, look at its kind and advise the kernel: half of the time that a small file takes.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read it.</exception>
    /// <exception cref="IOException">Another error.</exception>
    public static SafeFileHandle OpenForReading(string path)
    {
        var handle = OpenPath(path, ReadOnly | CloseOnExec);
        if (!handle.IsInvalid)
        {
            return handle;
        }

        var error = Marshal.GetLastPInvokeError();
        var message = $"{path} cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}";
        handle.Dispose();
        throw error switch
        {
            NoEntry or NotDirectory => new FileNotFoundException(message, path),
            AccessDenied or NotPermitted => new UnauthorizedAccessException(message),
            _ => new IOException(message),
        };
    }

    /// <summary>Makes the names in a directory durable (fsync(2)).</summary>
    /// <exception cref="IOException">The kernel reports an error.</exception>
    public static void SyncDirectory(string directory)
    {
        using var handle = OpenPath(directory, ReadOnly | CloseOnExec);
        if (handle.IsInvalid || Sync(handle) != 0)
        {
            throw new IOException($"{directory} could not be made durable: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>
    /// Writes a part of a file out to its device and waits for that (sync_file_range(2)). Not durable by itself: metadata and the device's
    /// cache are left to fsync(2), which then has little to do.
    /// </summary>
    /// <param name="file">Open for writing.</param>
    /// <param name="offset">Where the part begins, in bytes.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="IOException">The kernel reports a write error, which it reports only once.</exception>
    public static void WriteOut(SafeFileHandle file, long offset, long length) => WriteOut(file, offset, length, WaitBefore | StartWriting | WaitAfter);

    /// <summary>
    /// Has a part of a file written out to its device without waiting for it (sync_file_range(2)), so that making it durable later finds less to do.
    /// </summary>
    /// <param name="file">Open for writing.</param>
    /// <param name="offset">Where the part begins, in bytes.</param>
    /// <param name="length">Its length in bytes; 0: to the file's end.</param>
    /// <exception cref="IOException">The kernel reports a write error, which it reports only once.</exception>
    public static void StartWriteOut(SafeFileHandle file, long offset, long length) => WriteOut(file, offset, length, StartWriting);

    static void WriteOut(SafeFileHandle file, long offset, long length, uint how)
    {
        if (SyncRange(file, offset, length, how) == 0)
        {
            return;
        }

        var error = Marshal.GetLastPInvokeError();
        // A file system or a sandbox without it: fsync does all of it at once, later.
        if (error is not (NotImplemented or InvalidArgument or IllegalSeek or NotPermitted))
        {
            throw new IOException($"what was written is not safe: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>Gives the space of a part of a file back, which reads as zeros from then on; its length stays (fallocate(2) with FALLOC_FL_PUNCH_HOLE).</summary>
    /// <param name="file">Open for writing.</param>
    /// <param name="offset">Where the part begins, in bytes.</param>
    /// <param name="length">Its length in bytes, at least 1.</param>
    /// <returns>False when the file system cannot do that, and nothing has changed.</returns>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length) => Allocate(file, KeepSizeAndPunchHole, offset, length) == 0;

    /// <summary>Whether this process may make and rename entries of a directory (access(2)).</summary>
    public static bool MayWrite(string directory) => Access(directory, WriteAndSearch) == 0;

    /// <summary>Gives a file another name in one step, replacing what has it (rename(2)).</summary>
    /// <returns>False when the two names are not of one file system, or that one does not let files cross a border (EXDEV).</returns>
    /// <exception cref="IOException">Any other error.</exception>
    public static bool TryRename(string from, string to)
    {
        if (Rename(from, to) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == CrossDevice ? false : throw new IOException($"{from} could not be renamed to {to}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Tells what kind of file it is, how large, and where (statx(2)); does not follow a link.</summary>
    /// <exception cref="IOException">The kernel reports an error.</exception>
    public static void Status(string path, out int mode, out uint links, out long size, out long allocated, out ulong device)
    {
        // struct statx of statx(2), the same on every architecture.
        Span<byte> status = stackalloc byte[256];
        if (StatX(CurrentDirectory, path, DoNotFollow, BasicStatus, status) != 0)
        {
            throw new IOException($"{path} cannot be looked at: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        links = MemoryMarshal.Read<uint>(status[16..]);
        mode = MemoryMarshal.Read<ushort>(status[28..]);
        size = MemoryMarshal.Read<long>(status[40..]);
        allocated = MemoryMarshal.Read<long>(status[48..]) * BlockSize;
        device = ((ulong)MemoryMarshal.Read<uint>(status[136..]) << 32) | MemoryMarshal.Read<uint>(status[140..]);
    }

    /// <summary>Gives this process a session of its own, out of reach of signals for the group it was started in (setsid(2)).</summary>
    public static void LeaveSession()
    {
        // Fails for the leader of a group, which a child that was just started is not; then there is nothing to leave.
        _ = NewSession();
    }

    /// <summary>Keeps descriptors that this process inherited from the next program it starts (fcntl(2), FD_CLOEXEC).</summary>
    public static void KeepDescriptorsToMyself()
    {
        foreach (var path in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            if (int.TryParse(Path.GetFileName(path), out var descriptor) && descriptor > LastStandardStream)
            {
                // One may be closed by now: it was the listing's.
                _ = SetDescriptorFlags(descriptor, SetFlags, CloseOnExecFlag);
            }
        }
    }

    /// <summary>Makes a file that exists in memory only (memfd_create(2)); programs that this process starts do not inherit it.</summary>
    /// <param name="name">What it is called in /proc.</param>
    /// <exception cref="IOException">The kernel reports an error.</exception>
    public static SafeFileHandle CreateMemoryFile(string name)
    {
        var handle = CreateMemoryFile(name, CloseOnExecFlag);
        if (!handle.IsInvalid)
        {
            return handle;
        }

        var message = Marshal.GetLastPInvokeErrorMessage();
        handle.Dispose();
        throw new IOException($"no file in memory could be made: {message}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    private static partial int NewSession();

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetDescriptorFlags(int descriptor, int command, int flags);

    /// <summary>This process's effective user (geteuid(2)).</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>This process's effective group (getegid(2)).</summary>
    [LibraryImport("libc", EntryPoint = "getegid")]
    public static partial uint EffectiveGroup();

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenPath(string path, int flags);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFileSystem(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, Span<byte> status);
}
