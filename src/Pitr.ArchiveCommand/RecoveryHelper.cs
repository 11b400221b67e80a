using System.Text;

namespace Pitr.ArchiveCommand;

/// <summary>
/// The process that the first <c>pitr wal get</c> of a recovery leaves behind where no agent runs: it serves the segments that follow,
/// and ends with the recovery. Speaks the agent's protocol.
/// </summary>
static class RecoveryHelper
{
    /// <summary>
    /// Where it listens: a name in no file system (unix(7), abstract sockets), with the NUL that such names begin with. The same in pitr
    /// (Pitr.Operations, RecoveryHelper.cs); if the two ever differ, nobody is found and the work is done inline.
    /// </summary>
    internal static string SocketName(CommandLine line, string absolutePath)
    {
        // FNV-1a, 64 bits.
        var hash = 0xCBF29CE484222325UL;
        foreach (var value in Encoding.UTF8.GetBytes(line.Service + "\n" + absolutePath + "\n" + (line.Config ?? "") + "\n" + (line.Repositories ?? "")))
        {
            hash = (hash ^ value) * 0x100000001B3UL;
        }

        return "\0pitr-recovery-1-" + Libc.geteuid().ToString(System.Globalization.CultureInfo.InvariantCulture) + "-" + hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }
}
