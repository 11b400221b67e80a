using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>The last step of a restore: everything gets its owner, mode, attributes, time and name; directories last, because what is put into them changes their time. For one thread.</summary>
/// <param name="plan">What goes where.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="tag">What temporary names of this restore have in common.</param>
/// <param name="placing">Gives names.</param>
/// <param name="ownership">Gives everything else.</param>
/// <param name="result">Counts.</param>
/// <param name="isUnchanged">By number of file: whether it is as it should be.</param>
sealed class TreeFinish(TreePlan plan, SafeFileHandle root, string tag, TreePlacing placing, TreeOwnership ownership, FilesRestored result, IReadOnlyList<bool> isUnchanged) : IDisposable
{
    readonly List<(int Number, int Mode, FileMetadata Metadata)> _directories = [];
    readonly TreeComparison _comparison = new(plan, root, placing.PlaceOf);
    int _files;
    int _made;

    /// <summary>Does it.</summary>
    /// <exception cref="IOException">Something could not be given what it needs.</exception>
    public void Run(CancellationToken cancellation)
    {
        using var handles = new TreeHandles(plan.Directories, root);
        using var others = new TreeHandles(plan.Directories, root);
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

        placing.Flush();
        // What lies within another first: whoever is not root may not be let in any more afterwards.
        foreach (var (number, mode, metadata) in Enumerable.Reverse(_directories))
        {
            ownership.Set(handles.Open(number), mode, metadata, "/" + plan.Directories[number].Path);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _comparison.Dispose();

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

        placing.Add(directory, temporary, name, path);
    }

    void MakeLink(ManifestEntry entry, string path, TreeHandles handles)
    {
        result.Links++;
        if (IsThere(entry, path))
        {
            return;
        }

        var (directory, name) = plan.PlaceOf(path);
        var within = handles.Open(directory);
        byte[] target = [.. EscapedBytes.ToBytes(entry.Target!), 0];
        MakeAndPlace(directory, within, name, path, temporary => TreeCalls.MakeLinkAt(target, within, temporary), temporary => ownership.SetAt(within, temporary, MetadataOf(entry), "/" + path));
    }

    void MakeHardLink(ManifestEntry entry, string path, TreeHandles handles, TreeHandles others)
    {
        result.HardLinks++;
        if (IsThere(entry, path))
        {
            return;
        }

        var (directory, name) = plan.PlaceOf(path);
        var (firstDirectory, firstName) = placing.PlaceOf(plan.FirstNameOf(entry.Target!));
        var (within, from) = (handles.Open(directory), others.Open(firstDirectory));
        MakeAndPlace(directory, within, name, path, temporary => TreeCalls.LinkAt(from, firstName, within, temporary, 0), static _ => { });
    }

    bool IsThere(ManifestEntry entry, string path)
    {
        var isThere = _comparison.Of(entry, path) == TreePresence.Same;
        result.Unchanged += isThere ? 1 : 0;
        return isThere;
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
        result.Specials++;
        if (IsThere(entry, path))
        {
            return;
        }

        var (directory, name) = plan.PlaceOf(path);
        var within = handles.Open(directory);
        MakeAndPlace(
            directory,
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

    void MakeAndPlace(int directory, SafeFileHandle within, byte[] name, string path, Func<byte[], int> make, Action<byte[]> complete)
    {
        var temporary = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $".pitr-{tag}-n{_made++}\0"));
        if (make(temporary) != 0)
        {
            throw TreeError.Of(Marshal.GetLastPInvokeError(), "cannot be made", "/" + path);
        }

        try
        {
            complete(temporary);
        }
        catch (IOException)
        {
            _ = TreeCalls.UnlinkAt(within, temporary, 0);
            throw;
        }

        placing.Add(directory, temporary, name, path);
    }
}
