using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;
using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files;

/// <summary>Reads trees of files into a backup: one thread walks, several read.</summary>
/// <param name="settings">What is read.</param>
/// <param name="assembly">What becomes of it; its manifest is begun.</param>
/// <param name="clock">The present.</param>
sealed class TreeReader(FilesServiceSettings settings, FilesAssembly assembly, TimeProvider clock)
{
    const int FilesAhead = 1024;

    readonly TreeMetadata _metadata = new(new AccountNames(), clock);
    readonly HashSet<string> _failed = new(StringComparer.Ordinal);

    /// <summary>Reads everything.</summary>
    public async Task ReadAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var files = Channel.CreateBounded<TreeFile>(new BoundedChannelOptions(FilesAhead) { SingleWriter = true });
        var walk = new TreeWalk(settings, assembly, _metadata);
        var work = Enumerable.Range(0, settings.Backup.Jobs).Select(_ => Task.Run(() => PackAsync(files.Reader, stop.Token)))
            .Append(Task.Run(() => WalkAsync(walk, files.Writer, stop.Token)))
            .ToList();
        while (work.Count > 0)
        {
            var ended = await Task.WhenAny(work);
            work.Remove(ended);
            if (!ended.IsCompletedSuccessfully)
            {
                await stop.CancelAsync();
                await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                // The one that failed first says why.
                await ended;
            }
        }

        await AddHardLinksAsync(walk.HardLinks, cancellation);
    }

    static async Task WalkAsync(TreeWalk walk, ChannelWriter<TreeFile> files, CancellationToken cancellation)
    {
        await walk.RunAsync(files.WriteAsync, cancellation);
        files.Complete();
    }

    async Task PackAsync(ChannelReader<TreeFile> files, CancellationToken cancellation)
    {
        using var packer = new FilePacker(assembly);
        await foreach (var file in files.ReadAllAsync(cancellation))
        {
            try
            {
                await PackAsync(packer, file, cancellation);
            }
            finally
            {
                file.Directory.Release();
            }

            await packer.FlushIfHeldUpAsync();
        }

        await packer.FlushAsync();
    }

    async ValueTask PackAsync(FilePacker packer, TreeFile file, CancellationToken cancellation)
    {
        if (TryTakeUnchanged(packer, file))
        {
            return;
        }

        // Once more when it changed meanwhile; then as it is.
        for (var isLast = false; !await TryReadAsync(packer, file, isLast, cancellation); isLast = true)
        {
        }
    }

    bool TryTakeUnchanged(FilePacker packer, TreeFile file)
    {
        if (assembly.Basis?.FindEntry(file.Path) is not { } known || !file.Status.IsAsIn(known) || assembly.Basis.RunsOf(known) is not { } stored)
        {
            return false;
        }

        // Whatever changes attributes changes the time of the last change as well.
        var entry = NewEntry(file.Path, file.Status, known.Metadata!.Attributes);
        packer.AddStored(entry, stored);
        Add(entry);
        assembly.CountUnchanged();
        return true;
    }

    // True: there is nothing left to do about the file.
    async ValueTask<bool> TryReadAsync(FilePacker packer, TreeFile file, bool isLast, CancellationToken cancellation)
    {
        using var opened = TreeCalls.OpenAt(
            file.Directory.Handle, file.Name, TreeCalls.ReadOnly | TreeCalls.NoLinks | TreeCalls.NonBlocking | TreeCalls.CloseOnExec, 0);
        if (opened.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            return Fail(file.Path, error is TreeCalls.NoEntry or TreeCalls.TooManyLinks or TreeCalls.NoSuchDeviceOrAddress ? null : TreeError.Of(error, "cannot be opened", "/" + file.Path).Message);
        }

        PendingEntry? entry = null;
        try
        {
            var before = StatusOf(opened, file.Path);
            if (before.Type != TreeCalls.Regular)
            {
                return Fail(file.Path, null);
            }

            entry = NewEntry(file.Path, before, TreeAttributes.Read(opened, "/" + file.Path));
            await PackContentAsync(packer, entry, opened, file.Path, before, cancellation);
            var isSame = StatusOf(opened, file.Path).IsSameContent(before) && entry.Length == before.Size;
            if (!isSame && !isLast)
            {
                return false;
            }

            if (!isSame)
            {
                assembly.Changed(file.Path);
                entry.Metadata = entry.Metadata! with { Inode = 0 };
            }

            Add(entry);
            entry = null;
            return true;
        }
        catch (IOException e)
        {
            return Fail(file.Path, e.Message);
        }
        finally
        {
            if (entry is not null)
            {
                // What was read of it is in a record, and in no file.
                assembly.Count(-entry.Length, 0);
            }
        }
    }

    static TreeStatus StatusOf(SafeFileHandle file, string path) =>
        TreeCalls.StatX(file, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0 ? status : throw TreeError.Last("cannot be looked at", "/" + path);

    PendingEntry NewEntry(string path, in TreeStatus status, IReadOnlyList<FileAttribute> attributes) =>
        new(path, ManifestEntryKind.File, status.Permissions, TreeMetadata.Modified(status), null) { Metadata = _metadata.Of(status, attributes) };

    void Add(PendingEntry entry)
    {
        entry.Close();
        assembly.Add(entry, isFile: true);
    }

    bool Fail(string path, string? reason)
    {
        lock (_failed)
        {
            _failed.Add(path);
        }

        if (reason is null)
        {
            assembly.Vanished(path);
        }
        else
        {
            assembly.Unreadable(path, reason);
        }

        return true;
    }

    async ValueTask PackContentAsync(FilePacker packer, PendingEntry entry, SafeFileHandle file, string path, TreeStatus status, CancellationToken cancellation)
    {
        if (!status.MayHaveHoles)
        {
            await packer.AddAsync(entry, new TreeFileContent(file, "/" + path, 0, status.Size), cancellation);
            return;
        }

        for (var offset = 0L; offset < status.Size;)
        {
            var (data, end) = NextData(file, offset, status.Size);
            if (data > offset)
            {
                entry.AddZeros(data - offset);
                assembly.Count(data - offset, 0);
            }

            var before = entry.Length;
            await packer.AddAsync(entry, new TreeFileContent(file, "/" + path, data, end - data), cancellation);
            if (entry.Length - before < end - data)
            {
                // Cut off meanwhile.
                return;
            }

            offset = end;
        }
    }

    // Where the next bytes are that are no hole; the end twice when there are none.
    static (long Data, long End) NextData(SafeFileHandle file, long offset, long size)
    {
        var data = TreeCalls.Seek(file, offset, TreeCalls.SeekData);
        if (data < 0)
        {
            // There are none, or the file system does not know its holes.
            return Marshal.GetLastPInvokeError() == TreeCalls.NoSuchDeviceOrAddress ? (size, size) : (offset, size);
        }

        var hole = TreeCalls.Seek(file, data, TreeCalls.SeekHole);
        return (Math.Min(data, size), hole < 0 ? size : Math.Clamp(hole, Math.Min(data, size), size));
    }

    // After everything else: only now it is known which first names are there.
    async Task AddHardLinksAsync(IReadOnlyList<(string Path, string First, TreeStatus Status)> links, CancellationToken cancellation)
    {
        using var packer = new FilePacker(assembly);
        var others = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (path, first, status) in links)
        {
            var place = others.GetValueOrDefault(first, first);
            if (_failed.Contains(place))
            {
                // That name is gone, or could not be read; under this one it may be.
                others[first] = path;
                await ReadAnewAsync(packer, path, status, cancellation);
            }
            else
            {
                assembly.Add(path, ManifestEntryKind.HardLink, status.Permissions, TreeMetadata.Modified(status), _metadata.Of(status, []), place);
            }
        }

        await packer.FlushAsync();
    }

    async Task ReadAnewAsync(FilePacker packer, string path, TreeStatus status, CancellationToken cancellation)
    {
        var directory = OpenDirectory.OpenRoot();
        var parts = path.Split('/');
        foreach (var part in parts[..^1])
        {
            var next = OpenDirectory.Open(directory, [.. EscapedBytes.ToBytes(part), 0]);
            directory.Dispose();
            directory = next;
            if (directory.IsInvalid)
            {
                Fail(path, null);
                return;
            }
        }

        using (directory)
        {
            await PackAsync(packer, new TreeFile(new OpenDirectory(directory), [.. EscapedBytes.ToBytes(parts[^1]), 0], path, status), cancellation);
        }
    }
}
