using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Serilog.Sinks.File;

namespace Pitr.Cli;

/// <summary>
/// Lets the processes that log into one file (the agent, and whatever cron runs) write behind each other. The base library's FileMode.Append goes to the end once,
/// and from there counts for itself: each process would write over the lines of the others.
/// </summary>
sealed partial class AppendingLogFile : FileLifecycleHooks
{
    const int GetStatusFlags = 3;
    const int SetStatusFlags = 4;
    const int Append = 0x400;

    public override Stream OnFileOpened(string path, Stream underlyingStream, Encoding encoding)
    {
        // The stream is wrapped by the sink and does not tell its descriptor; it is the one whose file, as the kernel calls it, is this one.
        using var probe = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var file = Target($"/proc/self/fd/{probe.DangerousGetHandle()}");
        foreach (var descriptor in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            if (Target(descriptor) is { } target && target == file
                && int.TryParse(Path.GetFileName(descriptor), CultureInfo.InvariantCulture, out var number)
                && ChangeFlags(number, SetStatusFlags, ChangeFlags(number, GetStatusFlags, 0) | Append) != 0)
            {
                throw new IOException($"{path} cannot be appended to: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }

        return underlyingStream;
    }

    // Null for one that has been closed meanwhile.
    static string? Target(string descriptor) => new FileInfo(descriptor).LinkTarget;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int ChangeFlags(int descriptor, int command, int flags);
}
