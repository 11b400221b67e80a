using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>
/// What kind of file system a directory is on, as fstatfs(2) tells, and what its promises then depend on. Numbers: Linux include/uapi/linux/magic.h,
/// and statfs(2) for those that are not in the kernel.
/// </summary>
static class FileSystemType
{
    const string Cluster = "What is stored survives a power cut as far as its servers acknowledge only what is on their disks";

    /// <summary>The number of the directory's file system, or <see langword="null"/> when the kernel does not tell.</summary>
    public static long? Of(SafeFileHandle directory)
    {
        FileSystemStatus status;
        while (LibC.FStatFs(directory, out status) < 0)
        {
            if (Marshal.GetLastPInvokeError() != LibC.EINTR)
            {
                // Some FUSE programs answer ENOSYS. Nothing depends on it but a sentence.
                return null;
            }
        }

        return status.Type;
    }

    /// <summary>Whether nothing on it survives a restart.</summary>
    public static bool IsInMemory(long type) => type is 0x01021994 or 0x858458f6;

    /// <summary>
    /// What an operator should know, as the rest of a sentence that begins with the directory; <see langword="null"/> for a local file system on
    /// a disk, about which there is nothing to say.
    /// </summary>
    public static string? Describe(long type) => type switch
    {
        0x6969 => "is on NFS: what is stored survives a power cut of the server only if it exports with \"sync\"; mount with \"hard\", "
            + "or an interrupted connection looks like a disk error",
        0x517b or 0xff534d42 or 0xfe534d42 => "is on an SMB share: what is stored survives a power cut of the server only if it honours flushes "
            + "(Samba: \"strict sync = yes\"); do not mount with \"nostrictsync\" or \"cache=loose\"",
        0x65735546 => "is on a FUSE file system: what survives a power cut, and whether one of two racing writers wins, is up to the program "
            + "behind it; s3: and sftp: repositories need no such program",
        0x01021997 => "is a directory shared by a host (9p): what is stored survives a power cut of the host only as far as it honours fsync; "
            + "do not mount with \"cache=loose\" or \"cache=mmap\"",
        0x00c36400 => $"is on CephFS. {Cluster}, which Ceph's do",
        0x0bd00bd0 => $"is on Lustre. {Cluster}; other clients see it only if the mount keeps POSIX coherence",
        0x47504653 => $"is on GPFS. {Cluster}",
        0x19830326 => $"is on BeeGFS. {Cluster} (\"tuneRemoteFSync = true\")",
        0x5346414f or 0x6b414653 => $"is on AFS. {Cluster}; they decide about a full disk when a file is closed",
        0x73757245 => $"is on Coda, which may work disconnected. {Cluster}",
        0x7461636f or 0x01161970 => "is on a file system that several hosts share (OCFS2, GFS2): a host that is fenced loses what it had not fsynced",
        _ when IsInMemory(type) => "is kept in memory: nothing in it survives a restart of this host",
        _ => null,
    };
}
