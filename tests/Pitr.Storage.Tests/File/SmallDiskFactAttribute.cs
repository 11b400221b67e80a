using System.Diagnostics;

namespace Pitr.Storage.Tests.File;

/// <summary>
/// A test that fills a disk: the directory in PITR_TEST_SMALL_DISK, on a file system of 8 to 64 MiB, or else a memory disk
/// of its own where the kernel lets a user mount one in a namespace.
/// </summary>
public sealed class SmallDiskFactAttribute : FactAttribute
{
    const string Variable = "PITR_TEST_SMALL_DISK";

    static readonly Lazy<bool> CanMount = new(TryMount);

    public SmallDiskFactAttribute()
    {
        if (Directory is null && !CanMount.Value)
        {
            Skip = $"{Variable} names no small file system, and user namespaces are not allowed here; the test of the file size limit stands in";
        }
    }

    /// <summary>The directory given, if any.</summary>
    public static string? Directory => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } directory ? directory : null;

    /// <summary>What to put before a command so that it finds 8 MiB of new disk at the path.</summary>
    public static string[] MountAt(string path) =>
        ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=8m,mode=700 tmpfs \"$1\" && shift && exec \"$@\"", "sh", path];

    static bool TryMount()
    {
        using var directory = new TemporaryDirectory();
        string[] command = [.. MountAt(directory.Path), "true"];
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardError = true,
                UseShellExecute = false,
            })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No such program.
            return false;
        }
    }
}
