using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Audit;

/// <summary>Finds out whether what somebody began still runs: proc(5).</summary>
public static class AuditedProcess
{
    /// <summary>This process; null where /proc does not tell.</summary>
    public static AuditProcess? Current()
    {
        try
        {
            return HostProcess.Find("self") is { } self && HostProcess.Boot() is { } boot ? new AuditProcess(Environment.ProcessId, self.Started, boot, Namespace()) : null;
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
            if (HostProcess.Boot() is not { } boot)
            {
                return null;
            }

            if (process.Boot != boot)
            {
                return false;
            }

            if (process.Namespace != Namespace())
            {
                return null;
            }

            if (HostProcess.Find(process.Id.ToString(CultureInfo.InvariantCulture)) is { } found)
            {
                return found.Started == process.Started && !found.IsEnded;
            }

            // Where those of others are hidden (mount option hidepid), not to see it says nothing.
            return HostProcess.Find("1") is null ? null : false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static string Namespace() => new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";
}
