namespace Pitr.Operations.Files.InPlace;

/// <summary>By what something in a directory is known again under another name, also after the machine was started anew (device numbers are not the same then).</summary>
/// <param name="Inode">Its number in its file system.</param>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Owner">By number.</param>
/// <param name="Group">By number.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">When it was written last.</param>
/// <param name="IsShared">Whether it had several names: then its time of change says when one of them came or went, too.</param>
readonly record struct TreeIdentity(ulong Inode, ushort Mode, uint Owner, uint Group, long Size, TreeTime Modified, bool IsShared)
{
    /// <summary>Of what was looked at.</summary>
    public static TreeIdentity Of(in TreeStatus status) => new(
        status.Inode, status.Mode, status.Owner, status.Group, status.Size, new TreeTime(status.ModifiedSeconds, status.ModifiedNanoseconds), status.LinkCount > 1 && status.Type != TreeCalls.DirectoryType);

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => (Mode & TreeCalls.TypeMask) == TreeCalls.DirectoryType;

    /// <summary>Whether it is the same thing, whatever has become of it.</summary>
    public bool Is(in TreeStatus status) => status.Inode == Inode && status.Type == (Mode & TreeCalls.TypeMask);

    /// <summary>Whether it is the same thing, and nobody has changed it.</summary>
    /// <param name="status">As it is now.</param>
    /// <param name="changed">Its time of change then; null where that is not known.</param>
    public bool IsUnchanged(in TreeStatus status, TreeTime? changed) =>
        Is(status) && status.Mode == Mode && status.Owner == Owner && status.Group == Group && status.Size == Size
        && Modified == new TreeTime(status.ModifiedSeconds, status.ModifiedNanoseconds)
        && (changed is not { } then || IsShared || status.LinkCount > 1 || then == TreeTime.ChangeOf(status));

    public void Write(BinaryWriter to)
    {
        to.Write(Inode);
        to.Write(Mode);
        to.Write(Owner);
        to.Write(Group);
        to.Write(Size);
        Modified.Write(to);
        to.Write(IsShared);
    }

    public static TreeIdentity Read(BinaryReader from) =>
        new(from.ReadUInt64(), from.ReadUInt16(), from.ReadUInt32(), from.ReadUInt32(), from.ReadInt64(), TreeTime.Read(from), from.ReadBoolean());
}
