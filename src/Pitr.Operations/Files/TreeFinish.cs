using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files;

/// <summary>The last step of a restore: everything gets its owner, mode, attributes, time and name; directories last, because what is put into them changes their time. For one thread.</summary>
/// <param name="plan">What goes where.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="tag">What temporary names of this restore have in common.</param>
/// <param name="placing">Gives names.</param>
/// <param name="ownership">Gives everything else.</param>
/// <param name="result">Counts.</param>
/// <param name="isUnchanged">By number of file: whether it is as it should be.</param>
sealed class TreeFinish(TreePlan plan, SafeFileHandle root, string tag, TreePlacing placing, TreeOwnership ownership, FilesRestored result, IReadOnlyList<bool> isUnchanged)
{
    const int LongestTarget = 4096;

    readonly List<(int Number, int Mode, FileMetadata Metadata)> _directories = [];
    int _files;

    /// <summary>Does it.</summary>
    /// <exception cref="IOException">Something could not be given what it needs.</exception>
    public void Run(CancellationToken cancellation)
    {
        using var handles = new TreeHandles(plan, root);
        using var others = new TreeHandles(plan, root);
        foreach (var (entry, path) in plan.Entries(cancellation))
        {
            switch (entry.Kind)
            {
                case ManifestEntryKind.Directory:
                    Note(entry);
                    break;
                case ManifestEntryKind.File:
                    Finish(entry, path, handles);
                    break;
                case ManifestEntryKind.Link:
                    MakeLink(entry, path, handles);
                    break;
                case ManifestEntryKind.HardLink:
                    MakeHardLink(entry, path, handles, others);
                    break;
                default:
                    MakeSpecial(entry, path, handles);
                    break;
            }
        }

        // What lies within another first: whoever is not root may not be let in any more afterwards.
        foreach (var (number, mode, metadata) in Enumerable.Reverse(_directories))
        {
            ownership.Set(handles.Open(number), mode, metadata, "/" + plan.Directories[number].Path);
        }
    }

    static FileMetadata MetadataOf(ManifestEntry entry) => entry.Metadata ?? throw new Format.DamagedObjectException($"the manifest says nothing of the owner of {entry.Path}");

    void Note(ManifestEntry entry)
    {
        var number = plan.NumberOf(entry.Path);
        var directory = plan.Directories[number];
        result.Directories += directory.IsMeant ? 1 : 0;
        if (directory.IsMeant || directory.IsNew)
        {
            _directories.Add((number, entry.Mode, MetadataOf(entry)));
        }
    }

    void Finish(ManifestEntry entry, string path, TreeHandles handles)
    {
        var number = _files++;
        if (isUnchanged[number])
        {
            return;
        }

        var (directory, name) = plan.PlaceOf(path);
        var within = handles.Open(directory);
        var temporary = TreeWriter.TemporaryName(tag, number);
        using (var file = TreeWriter.Open(within, temporary, "/" + path))
        {
            // Holes at the end, and files without content, which nobody has written.
            if ((entry.Runs.Count == 0 || entry.Runs[^1].IsZeros) && TreeCalls.SetLength(file, entry.Size) != 0)
            {
                throw TreeError.Last("cannot be made as long as it was", "/" + path);
            }

            ownership.Set(file, entry.Mode, MetadataOf(entry), "/" + path);
        }

        placing.Place(within, temporary, name, "/" + path);
    }

    void MakeLink(ManifestEntry entry, string path, TreeHandles handles)
    {
        var (directory, name) = plan.PlaceOf(path);
        var within = handles.Open(directory);
        byte[] target = [.. EscapedBytes.ToBytes(entry.Target!), 0];
        result.Links++;
        Span<byte> there = stackalloc byte[LongestTarget];
        if (TreeCalls.ReadLinkAt(within, name, there, there.Length) is >= 0 and var length && there[..(int)length].SequenceEqual(target.AsSpan(0, target.Length - 1)))
        {
            result.Unchanged++;
            return;
        }

        MakeAndPlace(within, name, path, temporary => TreeCalls.MakeLinkAt(target, within, temporary), temporary => ownership.SetAt(within, temporary, MetadataOf(entry), "/" + path));
    }

    void MakeHardLink(ManifestEntry entry, string path, TreeHandles handles, TreeHandles others)
    {
        var (directory, name) = plan.PlaceOf(path);
        var (firstDirectory, firstName) = plan.PlaceOf(plan.FirstNameOf(entry.Target!));
        var (within, from) = (handles.Open(directory), others.Open(firstDirectory));
        result.HardLinks++;
        if (TreeCalls.StatX(within, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var there) == 0
            && TreeCalls.StatX(from, firstName, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var first) == 0 && there.Inode == first.Inode && there.Device == first.Device)
        {
            result.Unchanged++;
            return;
        }

        MakeAndPlace(within, name, path, temporary => TreeCalls.LinkAt(from, firstName, within, temporary, 0), static _ => { });
    }

    void MakeSpecial(ManifestEntry entry, string path, TreeHandles handles)
    {
        var metadata = MetadataOf(entry);
        if (metadata.Special == FileMetadata.Socket)
        {
            result.SocketsLeftOut++;
            return;
        }

        if (metadata.Special != FileMetadata.Fifo && !ownership.IsRoot)
        {
            result.DevicesLeftOut++;
            return;
        }

        var (type, device) = metadata.Special switch
        {
            FileMetadata.Fifo => (TreeCalls.Fifo, 0UL),
            FileMetadata.CharacterDevice => (TreeCalls.CharacterDevice, DeviceNumber(metadata)),
            _ => (TreeCalls.BlockDevice, DeviceNumber(metadata)),
        };
        var (directory, name) = plan.PlaceOf(path);
        var within = handles.Open(directory);
        result.Specials++;
        if (TreeCalls.StatX(within, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var there) == 0
            && there.Type == type && (device == 0 || (there.SpecialMajor == metadata.DeviceMajor && there.SpecialMinor == metadata.DeviceMinor)))
        {
            result.Unchanged++;
            return;
        }

        MakeAndPlace(
            within,
            name,
            path,
            temporary => TreeCalls.MakeNodeAt(within, temporary, (uint)(type | entry.Mode), device),
            temporary => ownership.SetSpecial(within, temporary, entry.Mode, metadata, "/" + path));
    }

    // makedev(3).
    static ulong DeviceNumber(FileMetadata metadata)
    {
        ulong major = metadata.DeviceMajor, minor = metadata.DeviceMinor;
        return ((major & 0xFFFFF000) << 32) | ((major & 0xFFF) << 8) | ((minor & 0xFFFFFF00) << 12) | (minor & 0xFF);
    }

    void MakeAndPlace(SafeFileHandle within, byte[] name, string path, Func<byte[], int> make, Action<byte[]> complete)
    {
        var temporary = Encoding.ASCII.GetBytes($".pitr-{tag}-new\0");
        if (make(temporary) != 0)
        {
            throw TreeError.Of(Marshal.GetLastPInvokeError(), "cannot be made", "/" + path);
        }

        try
        {
            complete(temporary);
            placing.Place(within, temporary, name, "/" + path);
        }
        catch (Exception e) when (e is IOException or ConflictException)
        {
            _ = TreeCalls.UnlinkAt(within, temporary, 0);
            throw;
        }
    }
}
