using System.Globalization;

namespace Pitr.Postgres.Cluster;

/// <summary>What the kernel says of a process of this host: proc(5).</summary>
/// <param name="Started">When it began, in clock ticks since the host did: with its number and the boot, it names a process for ever.</param>
/// <param name="IsEnded">It has ended, and its parent has not collected it yet.</param>
public readonly record struct HostProcess(long Started, bool IsEnded)
{
    const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    // Fields of /proc/PID/stat behind the name, which may hold anything, and its closing bracket.
    const int StateField = 0;
    const int StartField = 19;

    // ESRCH: it ended between opening and reading.
    const int NoSuchProcess = 3;

    /// <summary>Which run of the host this is; null where the kernel does not tell.</summary>
    public static string? Boot() => File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile).Trim() : null;

    /// <summary>Looks at a process; null when there is none of that number, or it is hidden (mount option hidepid).</summary>
    /// <param name="process">Its number, or "self".</param>
    /// <exception cref="UnauthorizedAccessException">It must not be looked at.</exception>
    public static HostProcess? Find(string process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new HostProcess(long.Parse(fields[StartField], NumberStyles.None, CultureInfo.InvariantCulture), fields[StateField] is "Z" or "X");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException e) when (e.HResult == NoSuchProcess)
        {
            return null;
        }
    }
}
