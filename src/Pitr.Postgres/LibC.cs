using System.Runtime.InteropServices;

namespace Pitr.Postgres;

/// <summary>The few functions of libc that .NET has no name for: kill(2), open(2), fsync(2), close(2), read(2), fcntl(2), statx(2).</summary>
static partial class LibC
{
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigCont = 18;
    public const int SigStop = 19;

    const int NoSuchProcess = 3;
    const int Interrupted = 4;
    const int SetPipeSizeCommand = 1031;
    const int ReadOnly = 0;
    const int CloseOnExec = 0x80000;
    const int CurrentDirectory = -100;
    const int DoNotFollow = 0x100;
    const uint TypeOnly = 1;
    const int StatSize = 256;
    const int StatModeOffset = 28;
    const int FileTypeMask = 0xF000;
    const int RegularFile = 0x8000;
    const int DirectoryType = 0x4000;
    const int LinkType = 0xA000;

    /// <summary>Sends a signal; false when the process is gone.</summary>
    /// <exception cref="IOException">Not permitted.</exception>
    public static bool Signal(int processId, int signal)
    {
        if (Kill(processId, signal) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess
            ? false
            : throw new IOException($"cannot send signal {signal} to process {processId}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Makes the names in a directory durable: what was created, renamed or removed in it survives a crash of the machine.</summary>
    /// <exception cref="IOException">The directory cannot be opened or synchronised.</exception>
    public static void FsyncDirectory(string path)
    {
        var descriptor = Open(path, ReadOnly | CloseOnExec);
        if (descriptor < 0)
        {
            throw Failed("open", path);
        }

        try
        {
            if (Fsync(descriptor) != 0)
            {
                throw Failed("fsync", path);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Reads from a descriptor, waiting until something is there; 0 at its end.</summary>
    /// <exception cref="IOException">The system reports an error.</exception>
    public static int Read(SafeHandle handle, Span<byte> buffer)
    {
        while (true)
        {
            var read = Read(handle, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (read >= 0)
            {
                return (int)read;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
            {
                throw new IOException($"cannot read from a pipe: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    /// <summary>Whether a path is a device, a pipe or a socket; false when it is gone.</summary>
    public static bool IsSpecialFile(string path)
    {
        Span<byte> stat = stackalloc byte[StatSize];
        return StatX(CurrentDirectory, path, DoNotFollow, TypeOnly, ref MemoryMarshal.GetReference(stat)) == 0
            && (MemoryMarshal.Read<ushort>(stat[StatModeOffset..]) & FileTypeMask) is not (RegularFile or DirectoryType or LinkType);
    }

    /// <summary>Makes a pipe larger, as far as /proc/sys/fs/pipe-max-size lets it; false when it does not.</summary>
    public static bool TrySetPipeSize(SafeHandle pipe, int bytes) => SetPipeSize(pipe, SetPipeSizeCommand, bytes) >= 0;

    static IOException Failed(string call, string path) =>
        new($"cannot {call} directory {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, ref byte stat);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeHandle descriptor, ref byte buffer, nint count);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetPipeSize(SafeHandle descriptor, int command, int size);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
