using System.Runtime.InteropServices;

namespace Pitr.Storage.File;

/// <summary>struct statx of statx(2): 256 bytes, the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
struct FileStatus
{
    [FieldOffset(16)] public uint LinkCount;
    [FieldOffset(20)] public uint Owner;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public ulong Size;
    [FieldOffset(80)] public long BirthSeconds;
    [FieldOffset(88)] public uint BirthNanoseconds;
    [FieldOffset(112)] public long ModifiedSeconds;
    [FieldOffset(120)] public uint ModifiedNanoseconds;
    [FieldOffset(136)] public uint DeviceMajor;
    [FieldOffset(140)] public uint DeviceMinor;

    public readonly bool IsRegularFile => (Mode & LibC.S_IFMT) == LibC.S_IFREG;

    public readonly bool IsDirectory => (Mode & LibC.S_IFMT) == LibC.S_IFDIR;

    public readonly bool IsSymbolicLink => (Mode & LibC.S_IFMT) == LibC.S_IFLNK;

    public readonly DateTimeOffset Modified =>
        DateTimeOffset.FromUnixTimeSeconds(ModifiedSeconds).AddTicks(ModifiedNanoseconds / 100);

    public readonly FileIdentity Identity => new(DeviceMajor, DeviceMinor, Inode, BirthSeconds, BirthNanoseconds);
}
