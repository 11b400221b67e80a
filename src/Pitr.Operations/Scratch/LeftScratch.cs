using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Scratch;

/// <summary>
/// What work of one purpose has left behind that was killed (<c>kill -9</c>, the machine's end). That it is dead is proven by its lock, which the kernel frees; where its directories are,
/// by what it has written into the lock's file.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="purpose">One of <see cref="ScratchSpace.Purposes"/>.</param>
sealed class LeftScratch(PostgresService service, string purpose)
{
    /// <summary>Clears what is left of every other purpose, if its work does not go on.</summary>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public static void ClearOthers(PostgresService service, string than)
    {
        foreach (var purpose in ScratchSpace.Purposes.Where(p => p != than && File.Exists(ScratchSpace.LockFile(service, p))))
        {
            using var held = StateFile.TryLock(ScratchSpace.LockFile(service, purpose));
            if (held is not null)
            {
                new LeftScratch(service, purpose).Clear(held);
                Record(held, []);
            }
        }
    }

    /// <summary>Writes down where directories are about to be made; they may lie anywhere.</summary>
    public static void Record(FileStream held, string[] places)
    {
        held.SetLength(0);
        held.Write(Encoding.UTF8.GetBytes(string.Join('\0', places)));
        held.Flush(flushToDisk: true);
    }

    /// <summary>Ends the server that is left, removes the directories, and logs what that was.</summary>
    /// <param name="held">The purpose's lock.</param>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public void Clear(FileStream held)
    {
        foreach (var directory in Recorded(held).Append(ScratchSpace.DefaultRoot(service, purpose)).Where(Directory.Exists))
        {
            var server = StopLeftServer(ScratchSpace.DataBelow(directory));
            Directory.Delete(directory, recursive: true);
            service.Log.Warning(
                "cleared away what a killed {Purpose} of service {Service} had left: {Directory}{Server}",
                purpose, service.Name, directory, server is null ? "" : $", with its PostgreSQL, process {server}");
        }
    }

    static string[] Recorded(FileStream held)
    {
        held.Position = 0;
        using var reader = new StreamReader(held, Encoding.UTF8, leaveOpen: true);
        return reader.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries);
    }

    // A server works in its data directory, so its own directory tells it from another process that has its number by now.
    static int? StopLeftServer(string data)
    {
        if (!Directory.Exists(data))
        {
            return null;
        }

        int? stopped = null;
        var real = TablespaceMap.RealPath(data);
        var file = Path.Combine(data, "postmaster.pid");
        if (File.Exists(file) && int.TryParse(File.ReadLines(file).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && WorksIn(pid, real))
        {
            using var left = Process.GetProcessById(pid);
            left.Kill();
            left.WaitForExit();
            stopped = pid;
        }

        // Its children end by themselves, but not at once, and might still write where everything is being removed.
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                if (WorksIn(process.Id, real))
                {
                    process.Kill();
                    process.WaitForExit();
                }
            }
        }

        return stopped;
    }

    static bool WorksIn(int process, string directory) =>
        new FileInfo($"/proc/{process}/cwd").LinkTarget == directory && Path.GetFileName(new FileInfo($"/proc/{process}/exe").LinkTarget)?.StartsWith("postgres", StringComparison.Ordinal) == true;
}
