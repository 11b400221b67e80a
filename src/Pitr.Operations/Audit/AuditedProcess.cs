using System.Globalization;
using Pitr.Format.Catalog;

namespace Pitr.Operations.Audit;

/// <summary>Finds out whether what somebody began still runs: proc(5).</summary>
public static class AuditedProcess
{
    // Fields of /proc/PID/stat behind the name, which may hold anything, and its closing bracket.
    const int StateField = 0;
    const int StartField = 19;

    /// <summary>This process; null where /proc does not tell.</summary>
    public static AuditProcess? Current()
    {
        try
        {
            return Stat("self") is var (started, _) ? new AuditProcess(Environment.ProcessId, started, Boot(), Namespace()) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether it runs; null when this host cannot tell.</summary>
    public static bool? IsRunning(AuditBeginning beginning)
    {
        ArgumentNullException.ThrowIfNull(beginning);
        if (beginning.Process is not { } process || beginning.Host != Environment.MachineName)
        {
            return null;
        }

        try
        {
            if (process.Boot != Boot())
            {
                return false;
            }

            if (process.Namespace != Namespace())
            {
                return null;
            }

            if (Stat(process.Id.ToString(CultureInfo.InvariantCulture)) is var (started, isDead))
            {
                return started == process.Started && !isDead;
            }

            // Where those of others are hidden (mount option hidepid), not to see it says nothing.
            return Stat("1") is null ? null : false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static string Boot() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    static string Namespace() => new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";

    // When it began, and whether only its remains are there; null when there is none of that number.
    static (long Started, bool IsDead)? Stat(string process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[StartField], NumberStyles.None, CultureInfo.InvariantCulture), fields[StateField] is "Z" or "X");
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

    // ESRCH: it ended between opening and reading.
    const int NoSuchProcess = 3;
}
