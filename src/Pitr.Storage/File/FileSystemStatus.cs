using System.Runtime.InteropServices;

namespace Pitr.Storage.File;

/// <summary>struct statfs of 64-bit Linux (statfs(2)), of which only the type is looked at.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
struct FileSystemStatus
{
    /// <summary>f_type, the "magic" of the file system. Its upper half is the sign on some processors.</summary>
    public readonly long Type => Raw & 0xffffffff;

    [FieldOffset(0)]
    readonly long Raw;
}
