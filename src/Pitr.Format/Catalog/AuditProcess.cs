namespace Pitr.Format.Catalog;

/// <summary>A process, so that its host can tell later whether it still runs: numbers of processes are given out again.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Started">When it began, in clock ticks since the host did (proc(5), starttime).</param>
/// <param name="Boot">Which run of the host it belongs to (/proc/sys/kernel/random/boot_id).</param>
/// <param name="Namespace">In which its number counts (/proc/PID/ns/pid).</param>
public sealed record AuditProcess(int Id, long Started, string Boot, string Namespace);
