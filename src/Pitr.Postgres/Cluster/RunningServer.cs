using System.Globalization;

namespace Pitr.Postgres.Cluster;

/// <summary>The server that runs a data directory, whoever started it: what its <c>postmaster.pid</c> says (src/include/utils/pidfile.h).</summary>
/// <param name="ProcessId">The postmaster's; 0 while it has not written it yet.</param>
/// <param name="Port">Its port number; null while it has not written it yet.</param>
/// <param name="SocketDirectory">The first of its socket directories; null while it has not written it yet, or when it has none.</param>
/// <param name="IsReady">It accepts connections, read-only ones included.</param>
public sealed record RunningServer(int ProcessId, int? Port, string? SocketDirectory, bool IsReady)
{
    const string FileName = "postmaster.pid";
    const int PortLine = 3;
    const int SocketLine = 4;

    /// <summary>The server of a data directory; null when none runs, whatever a dead one has left behind.</summary>
    /// <param name="dataDirectory">Absolute, with every link resolved.</param>
    public static RunningServer? Find(string dataDirectory)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(Path.Combine(dataDirectory, FileName));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        // A number that is not readable yet is a server that is just starting. In single-user mode it is negative.
        if (!int.TryParse(lines.FirstOrDefault()?.TrimStart('-'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return new RunningServer(0, null, null, IsReady: false);
        }

        return Runs(pid, dataDirectory)
            ? new RunningServer(
                pid,
                int.TryParse(lines.ElementAtOrDefault(PortLine), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null,
                lines.ElementAtOrDefault(SocketLine) is { Length: > 0 } sockets ? sockets : null,
                PostmasterFile.SaysReady(dataDirectory, pid))
            : null;
    }

    // A server works in its data directory, so its own directory tells it from another process that has its number by now.
    static bool Runs(int pid, string directory)
    {
        try
        {
            return Directory.Exists($"/proc/{pid}") && (new FileInfo($"/proc/{pid}/cwd").LinkTarget is { } cwd ? cwd == directory : HostProcess.Find($"{pid}") is { IsEnded: false });
        }
        catch (Exception e) when (e is UnauthorizedAccessException)
        {
            // Another user's process, which cannot be asked: it may be the server.
            return true;
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return false;
        }
    }
}
