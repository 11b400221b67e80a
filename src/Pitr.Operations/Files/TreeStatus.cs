using System.Runtime.InteropServices;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>struct statx of statx(2): 256 bytes, the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
struct TreeStatus
{
    const int BlockSize = 512;

    [FieldOffset(16)] public uint LinkCount;
    [FieldOffset(20)] public uint Owner;
    [FieldOffset(24)] public uint Group;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public long Size;
    [FieldOffset(48)] public long Blocks;
    [FieldOffset(96)] public long ChangedSeconds;
    [FieldOffset(104)] public int ChangedNanoseconds;
    [FieldOffset(112)] public long ModifiedSeconds;
    [FieldOffset(120)] public int ModifiedNanoseconds;
    [FieldOffset(128)] public uint SpecialMajor;
    [FieldOffset(132)] public uint SpecialMinor;
    [FieldOffset(136)] public uint DeviceMajor;
    [FieldOffset(140)] public uint DeviceMinor;

    /// <summary>What it is: one of the types of <see cref="TreeCalls"/>.</summary>
    public readonly int Type => Mode & TreeCalls.TypeMask;

    /// <summary>Permission bits, 0 to 07777.</summary>
    public readonly int Permissions => Mode & 0xFFF;

    /// <summary>The file system it is in.</summary>
    public readonly ulong Device => ((ulong)DeviceMajor << 32) | DeviceMinor;

    /// <summary>Whether less is stored of it than its size: it has holes, or its file system compresses.</summary>
    public readonly bool MayHaveHoles => Blocks * BlockSize < Size;

    /// <summary>Whether its content has not changed between two looks at an open file.</summary>
    public readonly bool IsSameContent(in TreeStatus other) =>
        Size == other.Size && ModifiedSeconds == other.ModifiedSeconds && ModifiedNanoseconds == other.ModifiedNanoseconds
        && ChangedSeconds == other.ChangedSeconds && ChangedNanoseconds == other.ChangedNanoseconds;

    /// <summary>Whether a file is as a backup found it, content and everything else, as far as its status tells.</summary>
    public readonly bool IsAsIn(ManifestEntry entry) => entry.Metadata is { Inode: not 0 } known
        && known.Inode == Inode && entry.Size == Size
        && known.ModifiedSeconds == ModifiedSeconds && known.ModifiedNanoseconds == ModifiedNanoseconds
        && known.ChangedSeconds == ChangedSeconds && known.ChangedNanoseconds == ChangedNanoseconds;
}
