using System.Globalization;
using System.Text;
using Pitr.Operations.Files;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Scratch;

/// <summary>
/// What work of one purpose has left behind that was killed (<c>kill -9</c>, the machine's end). That it is dead is proven by its lock, which the kernel frees; where its directories are,
/// by what it has written into the lock's file.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="purpose">One of <see cref="ScratchSpace.Purposes"/>.</param>
sealed class LeftScratch(ScratchOwner service, string purpose)
{
    // What their programs' names begin with; Debian's redis-server is a link to redis-check-rdb.
    static readonly (string Program, string Name)[] Servers = [("postgres", "PostgreSQL"), ("mariadbd", "MariaDB"), ("mysqld", "MySQL"), ("redis-", "Redis")];

    /// <summary>Clears what is left of every other purpose, if its work does not go on.</summary>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public static void ClearOthers(ScratchOwner service, string than)
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
            EndSetup(directory);
            ScratchCommands.End(ScratchSpace.DataBelow(directory));
            StagedTools.Kill(ScratchSpace.DataBelow(directory));
            var server = StopLeftServer(ScratchSpace.DataBelow(directory));
            TreeRemoval.Remove(directory);
            service.Log.Warning(
                "cleared away what a killed {Purpose} of service {Service} had left: {Directory}{Server}",
                purpose, service.Name, directory, server is null ? "" : $", with its {server}");
        }
    }

    static string[] Recorded(FileStream held)
    {
        held.Position = 0;
        using var reader = new StreamReader(held, Encoding.UTF8, leaveOpen: true);
        return reader.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries);
    }

    // What makes a data directory works above it, and has it on its command line.
    static void EndSetup(string root)
    {
        var (worksIn, data) = (HostProcesses.WorkingIn(TablespaceMap.RealPath(root)), ScratchSpace.DataBelow(root));
        HostProcesses.EndAll(process => worksIn(process) && HostProcesses.CommandLineOf(process)?.Contains(data, StringComparison.Ordinal) == true);
    }

    // A server works in its data directory, and so do its children, which end by themselves, but not at once, and might still write where everything is being removed.
    static string? StopLeftServer(string data)
    {
        if (!Directory.Exists(data))
        {
            return null;
        }

        var real = TablespaceMap.RealPath(data);
        bool IsServer(int process) => ServerIn(process, real) is not null;
        // The server comes before its children.
        var left = HostProcesses.Find(IsServer) is [var first, ..] && ServerIn(first, real) is { } server ? Named(server, first) : null;
        HostProcesses.EndAll(IsServer);
        return left;
    }

    static string Named(string server, int process) => string.Create(CultureInfo.InvariantCulture, $"{server}, process {process}");

    // Which server a process is that works in the directory; null for every other process.
    static string? ServerIn(int process, string directory) =>
        HostProcesses.WorkingIn(directory)(process) && HostProcesses.ProgramOf(process) is { } program
            ? Array.Find(Servers, server => program.StartsWith(server.Program, StringComparison.Ordinal)).Name
            : null;
}
