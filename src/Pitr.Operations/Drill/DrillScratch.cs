using System.Diagnostics;
using System.Globalization;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;

namespace Pitr.Operations.Drill;

/// <summary>
/// The space a drill restores into. Gone when the drill ends; what a drill that was killed left behind, its server included, is
/// cleared away by the next one.
/// </summary>
sealed class DrillScratch : IDisposable
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    readonly FileStream _lock;
    readonly string _root;

    DrillScratch(FileStream held, string root, string sockets)
    {
        _lock = held;
        _root = root;
        Sockets = sockets;
    }

    /// <summary>The data directory to be.</summary>
    public string Data => Path.Combine(_root, "data");

    /// <summary>Where its tablespaces go, each in a directory of its own.</summary>
    public string Tablespaces => Path.Combine(_root, "tablespaces");

    /// <summary>The server's log.</summary>
    public string Log => Path.Combine(_root, "server.log");

    /// <summary>Where the server's socket goes; short, because socket paths are limited.</summary>
    public string Sockets { get; }

    /// <summary>Makes fresh scratch space.</summary>
    /// <exception cref="BusyException">Another drill of the service runs on this host.</exception>
    public static DrillScratch Create(PostgresService service)
    {
        var held = StateFile.TryLock(Path.Combine(service.StateDirectory, "drill.lock")) ?? throw new BusyException(
            $"another drill of service {service.Name} runs on this host", "wait for it to end");
        var root = Path.Combine(service.StateDirectory, "drill");
        if (Directory.Exists(root))
        {
            StopLeftServer(Path.Combine(root, "data"));
            Directory.Delete(root, recursive: true);
        }

        Directory.CreateDirectory(root, Private);
        return new DrillScratch(held, root, Directory.CreateTempSubdirectory("pitr-drill-").FullName);
    }

    // A server works in its data directory, so its own directory tells it from another process that has its number by now.
    static void StopLeftServer(string data)
    {
        var file = Path.Combine(data, "postmaster.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadLines(file).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return;
        }

        if (new FileInfo($"/proc/{pid}/cwd").LinkTarget == data)
        {
            using var left = Process.GetProcessById(pid);
            left.Kill();
            left.WaitForExit();
        }
    }

    /// <summary>Removes everything.</summary>
    public void Dispose()
    {
        Directory.Delete(_root, recursive: true);
        Directory.Delete(Sockets, recursive: true);
        _lock.Dispose();
    }
}
