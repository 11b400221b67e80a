using Pitr.Operations.Agent;
using Pitr.Operations.Services;
using Serilog;

namespace Pitr.Operations.Restore;

/// <summary>
/// A short-named directory for the socket that a recovering server asks, private to this user. A process that is killed leaves it behind, and the next one removes it: whose socket lives is
/// known by the lock beside it, which the kernel frees.
/// </summary>
static class RecoverySocketDirectory
{
    const string Prefix = "pitr-socket-";
    const string Socket = "agent.sock";
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // One that is just being made has no lock yet.
    static readonly TimeSpan Young = TimeSpan.FromMinutes(1);

    /// <summary>Where the socket is in a directory.</summary>
    public static string SocketIn(string directory) => Path.Combine(directory, Socket);

    /// <summary>Makes one, and clears away those of processes that are gone.</summary>
    public static string Make(ILogger log)
    {
        ClearLeft(log);
        return Directory.CreateTempSubdirectory(Prefix).FullName;
    }

    /// <summary>Clears away those of processes that are gone, of this user alone.</summary>
    public static void ClearLeft(ILogger log)
    {
        foreach (var left in new DirectoryInfo(Path.GetTempPath()).EnumerateDirectories($"{Prefix}*").Where(d => d.LinkTarget is null && d.UnixFileMode == Private))
        {
            try
            {
                TryClear(left, log);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's, or one that another process is removing just now. It is empty but for a name: not worth a recovery.
                log.Debug("{Directory} stays: {Reason}", left.FullName, e.Message);
            }
        }
    }

    /// <summary>Removes one whose socket was given up. From then on another process may take it for one that was left, and be first.</summary>
    public static void Remove(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // That is what was wanted.
        }
    }

    static void TryClear(DirectoryInfo left, ILogger log)
    {
        var (socket, held) = (SocketIn(left.FullName), ArchiveSocket.LockOf(SocketIn(left.FullName)));
        if (File.Exists(held))
        {
            using var taken = StateFile.TryLock(held);
            if (taken is null)
            {
                return;
            }

            // By their names only, nothing below: a temporary directory is everybody's.
            File.Delete(socket);
            File.Delete(held);
        }
        else if (TimeProvider.System.GetUtcNow().UtcDateTime - left.LastWriteTimeUtc < Young)
        {
            return;
        }

        left.Delete();
        log.Warning("cleared away the socket of a killed recovery: {Directory}", left.FullName);
    }
}
