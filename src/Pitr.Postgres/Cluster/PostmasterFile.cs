using System.Globalization;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// <c>postmaster.pid</c>: which process runs the data directory, and its state (src/include/utils/pidfile.h). pg_ctl -w watches the same file.
/// </summary>
static class PostmasterFile
{
    const int StatusLine = 7;

    /// <summary>Whether that process says it accepts connections, read-only ones included. Looks at one small file, so it may be asked often.</summary>
    public static bool SaysReady(string dataDirectory, int processId)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(Path.Combine(dataDirectory, "postmaster.pid"));
        }
        catch (FileNotFoundException)
        {
            // Not written yet.
            return false;
        }

        return lines.Length > StatusLine
            && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var owner)
            && owner == processId
            && lines[StatusLine].Trim() == "ready";
    }
}
