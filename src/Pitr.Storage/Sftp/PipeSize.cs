using System.Runtime.InteropServices;

namespace Pitr.Storage.Sftp;

/// <summary>The size of pipes (fcntl(2), pipe(7)). A larger one than the 64 KiB at the start saves most of the waiting for each other.</summary>
static partial class PipeSize
{
    const int F_SETPIPE_SZ = 1031;
    const int Size = 1024 * 1024;

    /// <summary>Makes a pipe as large as users may. Where that is refused it works as before.</summary>
    public static void Raise(Stream pipe)
    {
        if (pipe is System.IO.Pipes.PipeStream { SafePipeHandle: var handle })
        {
            _ = Control(handle, F_SETPIPE_SZ, Size);
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeHandle descriptor, int command, int value);
}
