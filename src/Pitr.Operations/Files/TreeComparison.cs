using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>Holds what is there against a backup. For one thread.</summary>
/// <param name="plan">What is restored.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="first">Where the first name of a file is now.</param>
sealed class TreeComparison(TreePlan plan, SafeFileHandle root, Func<string, (int Directory, byte[] Name)> first) : IDisposable
{
    const int LongestTarget = 4096;

    readonly TreeHandles _handles = new(plan.Directories, root);
    readonly TreeHandles _others = new(plan.Directories, root);
    readonly HashSet<ulong> _replaced = [];

    /// <summary>What is where a file, a link, a further name or a special file goes.</summary>
    /// <param name="entry">Of the manifest; no directory.</param>
    /// <param name="path">The path it gets.</param>
    public TreePresence Of(ManifestEntry entry, string path)
    {
        var (directory, name) = plan.PlaceOf(path);
        if (_handles.TryOpen(directory) is not { } within || TreeCalls.StatX(within, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var there) != 0)
        {
            return Marshal.GetLastPInvokeError() is TreeCalls.NoEntry or TreeCalls.NotDirectory or TreeCalls.TooManyLinks ? TreePresence.Absent : TreePresence.Other;
        }

        var isSame = entry.Kind switch
        {
            ManifestEntryKind.File => there.Type == TreeCalls.Regular && there.IsAsIn(entry),
            ManifestEntryKind.Link => there.Type == TreeCalls.Link && IsTarget(within, name, EscapedBytes.ToBytes(entry.Target!)),
            ManifestEntryKind.HardLink => IsFirst(entry, there),
            _ => IsSpecial(entry.Metadata, there),
        };
        if (!isSame && entry.Kind == ManifestEntryKind.File && there.LinkCount > 1)
        {
            _replaced.Add(there.Inode);
        }

        return isSame ? TreePresence.Same : TreePresence.Other;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handles.Dispose();
        _others.Dispose();
    }

    static bool IsTarget(SafeFileHandle within, byte[] name, byte[] target)
    {
        Span<byte> there = stackalloc byte[LongestTarget];
        return TreeCalls.ReadLinkAt(within, name, there, there.Length) is >= 0 and var length && there[..(int)length].SequenceEqual(target);
    }

    // A name of a file that is going to be replaced will be one of another file.
    bool IsFirst(ManifestEntry entry, in TreeStatus there)
    {
        var (directory, name) = first(plan.FirstNameOf(entry.Target!));
        return !_replaced.Contains(there.Inode) && _others.TryOpen(directory) is { } within
            && TreeCalls.StatX(within, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var own) == 0 && there.Inode == own.Inode && there.Device == own.Device;
    }

    static bool IsSpecial(FileMetadata? metadata, in TreeStatus there) => metadata?.Special switch
    {
        FileMetadata.Fifo => there.Type == TreeCalls.Fifo,
        FileMetadata.CharacterDevice => there.Type == TreeCalls.CharacterDevice && IsDevice(metadata, there),
        FileMetadata.BlockDevice => there.Type == TreeCalls.BlockDevice && IsDevice(metadata, there),
        _ => false,
    };

    static bool IsDevice(FileMetadata metadata, in TreeStatus there) => there.SpecialMajor == metadata.DeviceMajor && there.SpecialMinor == metadata.DeviceMinor;
}
