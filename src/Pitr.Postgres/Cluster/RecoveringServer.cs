using System.Globalization;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// A server that recovers from an archive, as its data directory shows it: one run of one cluster. What was meant for one run is of no
/// use to another: the directory may hold another cluster by then.
/// </summary>
/// <param name="DataDirectory">Absolute path.</param>
/// <param name="ProcessId">The postmaster's, as <c>postmaster.pid</c> says.</param>
/// <param name="Started">Its start time, as <c>postmaster.pid</c> says.</param>
/// <param name="SystemIdentifier">The cluster's.</param>
/// <param name="SegmentSize">Size of its WAL segments.</param>
public sealed record RecoveringServer(string DataDirectory, int ProcessId, string Started, ulong SystemIdentifier, WalSegmentSize SegmentSize)
{
    // PostgreSQL asks for WAL only while one of them is there, and removes both when recovery has ended (xlog.c, xlogrecovery.c).
    static readonly string[] SignalFiles = ["recovery.signal", "standby.signal"];

    /// <summary>The server that recovers in this directory; null when there is none, or none that this process can see.</summary>
    public static RecoveringServer? Find(string dataDirectory)
    {
        if (Run(dataDirectory) is not { } run)
        {
            return null;
        }

        try
        {
            var control = ControlFile.ReadFrom(dataDirectory);
            return new RecoveringServer(dataDirectory, run.ProcessId, run.Started, control.SystemIdentifier, control.WalSegmentSize);
        }
        catch (ServerException)
        {
            // PostgreSQL reports a control file that cannot be read; nobody else has to.
            return null;
        }
    }

    /// <summary>Whether this very run of the server goes on recovering. Looks at small files only, so it may be asked often.</summary>
    public bool IsStillRecovering() => Run(DataDirectory) == (ProcessId, Started);

    static (int ProcessId, string Started)? Run(string dataDirectory)
    {
        try
        {
            if (!SignalFiles.Any(name => File.Exists(Path.Combine(dataDirectory, name))))
            {
                return null;
            }

            var lines = File.ReadAllLines(Path.Combine(dataDirectory, "postmaster.pid"));
            return lines.Length >= 3
                && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
                && Directory.Exists($"/proc/{processId}")
                ? (processId, lines[2])
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
