using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>Gives restored files their owners, modes, attributes and times, as far as this process may.</summary>
/// <param name="numeric">Whether owners go by number alone.</param>
/// <param name="result">Counts what could not be set.</param>
sealed class TreeOwnership(bool numeric, FilesRestored result)
{
    const uint SetIds = 0xC00;
    const long LeaveAlone = 0x3FFFFFFE;

    readonly AccountNames _accounts = new();

    /// <summary>Whether files can be given away, and devices be made.</summary>
    public bool IsRoot { get; } = LibC.EffectiveUser() == 0;

    /// <summary>Of an open file or directory.</summary>
    /// <exception cref="IOException">The mode or the time could not be set.</exception>
    public void Set(SafeFileHandle file, int mode, FileMetadata metadata, string path)
    {
        var isOwned = SetOwner(file, "\0"u8, TreeCalls.EmptyPath, metadata, path);
        foreach (var attribute in metadata.Attributes)
        {
            result.AttributesLeftOut += TreeAttributes.TrySet(file, attribute) ? 0 : 1;
        }

        // A program that takes its owner's rights must not take those of whoever restores it.
        if (TreeCalls.SetMode(file, isOwned ? (uint)mode : (uint)mode & ~SetIds) != 0 || TreeCalls.SetTimes(file, Times(metadata)) != 0)
        {
            throw TreeError.Last("could not be given its mode or time", path);
        }
    }

    /// <summary>Of a link, or of what must not be opened; its mode was given when it was made.</summary>
    /// <exception cref="IOException">The time could not be set.</exception>
    public void SetAt(SafeFileHandle directory, byte[] name, FileMetadata metadata, string path)
    {
        using var made = OpenMade(directory, name, path);
        _ = SetOwner(made, "\0"u8, TreeCalls.EmptyPath, metadata, path);
        foreach (var attribute in metadata.Attributes)
        {
            result.AttributesLeftOut += TreeAttributes.TrySetAt(directory, name, attribute) ? 0 : 1;
        }

        if (TreeCalls.SetTimesAt(directory, name, Times(metadata), TreeCalls.NoFollow) != 0)
        {
            throw TreeError.Last("could not be given its time", path);
        }
    }

    /// <summary>Of a named pipe or device, just made under a name that nobody else knows.</summary>
    /// <exception cref="IOException">The mode or the time could not be set.</exception>
    public void SetSpecial(SafeFileHandle directory, byte[] name, int mode, FileMetadata metadata, string path)
    {
        SetAt(directory, name, metadata, path);
        using var made = OpenMade(directory, name, path);
        // What the process's umask took away. Nothing that is open can become a link.
        if (TreeCalls.SetModeOf(TreeCalls.PathOf(made), (uint)mode & ~SetIds) != 0)
        {
            throw TreeError.Last("could not be given its mode", path);
        }
    }

    // Who may write into the directory could have put another name of somebody's file there.
    static SafeFileHandle OpenMade(SafeFileHandle directory, byte[] name, string path)
    {
        var made = TreeCalls.OpenAt(directory, name, TreeCalls.OnlyPath | TreeCalls.NoLinks | TreeCalls.CloseOnExec, 0);
        if (made.IsInvalid || TreeCalls.StatX(made, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) != 0 || status.LinkCount != 1 || status.Type == TreeCalls.Regular)
        {
            made.Dispose();
            throw new IOException($"{path} cannot be made: somebody else has changed what is there");
        }

        return made;
    }

    /// <summary>For utimensat(2): the time of the last write, with that of the last access left alone.</summary>
    public static long[] Times(long seconds, int nanoseconds) => [0, LeaveAlone, seconds, nanoseconds];

    static long[] Times(FileMetadata metadata) => Times(metadata.ModifiedSeconds, metadata.ModifiedNanoseconds);

    bool SetOwner(SafeFileHandle file, ReadOnlySpan<byte> name, int flags, FileMetadata metadata, string path)
    {
        var owner = Number(metadata.OwnerName, metadata.Owner, _accounts.UserNumber);
        var group = Number(metadata.GroupName, metadata.Group, _accounts.GroupNumber);
        if (TreeCalls.StatX(file, name, flags, TreeCalls.BasicStatus, out var status) == 0 && status.Owner == owner && status.Group == group)
        {
            return true;
        }

        if (TreeCalls.SetOwnerAt(file, name, owner, group, flags) == 0)
        {
            return true;
        }

        if (IsRoot && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() is not (TreeCalls.NotPermitted or TreeCalls.InvalidArgument or TreeCalls.NotSupported))
        {
            throw TreeError.Last("could not be given its owner", path);
        }

        result.OtherOwners++;
        return false;
    }

    uint Number(string? name, uint number, Func<string, uint?> find) => numeric || name is null ? number : find(name) ?? number;
}
