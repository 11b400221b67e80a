using System.Runtime.InteropServices;
using Pitr.Format.Manifests;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Files;

/// <summary>
/// Goes through trees of files, each directory in the order of its names. Directories, links and what is special go into the manifest at once; regular files are handed on. Follows no link: every name
/// is looked up in its directory, which stays open meanwhile. For one thread.
/// </summary>
/// <param name="settings">Where it begins, and what is left out.</param>
/// <param name="assembly">Takes what it finds.</param>
/// <param name="metadata">Makes what the manifest says.</param>
sealed class TreeWalk(FilesServiceSettings settings, FilesAssembly assembly, TreeMetadata metadata)
{
    const int LongestPath = 4096;

    readonly PathSelection _included = new([.. settings.Include.Select(Glob.Parse)]);
    readonly Glob[] _include = [.. settings.Include.Select(Glob.Parse)];
    readonly Glob[] _exclude = [.. settings.Exclude.Select(Glob.Parse)];
    readonly HashSet<string> _writtenAbove = new(StringComparer.Ordinal);
    readonly Dictionary<(ulong Device, ulong Inode), string> _firstNames = [];
    ulong _device;

    /// <summary>Further names of files that have several, with the path of the first.</summary>
    public List<(string Path, string First, TreeStatus Status)> HardLinks { get; } = [];

    /// <summary>Says that every root is there and is reached without a link, before anything is stored.</summary>
    /// <param name="settings">What names them.</param>
    /// <exception cref="ImpossiblePlanException">One is not.</exception>
    public static void RequireRoots(FilesServiceSettings settings)
    {
        foreach (var root in settings.Paths)
        {
            var (above, _, status) = OpenAbove(root);
            Release(above);
            if (status.Type is TreeCalls.Link)
            {
                throw ThroughLink(root, root);
            }
        }
    }

    /// <summary>Goes through all of them.</summary>
    /// <param name="take">Takes each regular file's first name.</param>
    /// <param name="cancellation">Ends the walk.</param>
    /// <exception cref="ImpossiblePlanException">A root is not there, or is reached through a link.</exception>
    public async Task RunAsync(Func<TreeFile, CancellationToken, ValueTask> take, CancellationToken cancellation)
    {
        foreach (var root in settings.Paths)
        {
            var (above, name, status) = OpenAbove(root);
            try
            {
                _device = status.Device;
                if (name is null)
                {
                    await WalkAsync(above, _included.Holds("", isDirectory: true), take, cancellation);
                }
                else
                {
                    var path = above.PathOf(EscapedBytes.ToText(name.AsSpan(0, name.Length - 1)));
                    await VisitAsync(above, name, path, status, _included.Holds(path, status.Type == TreeCalls.DirectoryType), take, cancellation);
                }
            }
            finally
            {
                Release(above);
            }
        }
    }

    // The directory that a root lies in, its name there, and its status; without a name the root of all.
    static (TreeNode Above, byte[]? Name, TreeStatus Status) OpenAbove(string root)
    {
        var handle = OpenDirectory.OpenRoot();
        var node = new TreeNode(null, "", new OpenDirectory(handle), StatusOf(handle, "\0"u8, TreeCalls.EmptyPath, "/"));
        var parts = root.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
        {
            return (node, null, node.Status);
        }

        try
        {
            foreach (var part in parts[..^1])
            {
                byte[] name = [.. System.Text.Encoding.UTF8.GetBytes(part), 0];
                var status = StatusOf(node.Directory.Handle, name, TreeCalls.NoFollow, root);
                var opened = OpenDirectory.Open(node.Directory.Handle, name);
                if (opened.IsInvalid)
                {
                    var error = Marshal.GetLastPInvokeError();
                    opened.Dispose();
                    throw status.Type == TreeCalls.Link ? ThroughLink(root, "/" + node.PathOf(part)) : NoRoot(root, TreeError.Of(error, "cannot be opened", "/" + node.PathOf(part)).Message);
                }

                node = new TreeNode(node, node.PathOf(EscapedBytes.ToText(name.AsSpan(0, name.Length - 1))), new OpenDirectory(opened), status);
            }

            byte[] last = [.. System.Text.Encoding.UTF8.GetBytes(parts[^1]), 0];
            return (node, last, StatusOf(node.Directory.Handle, last, TreeCalls.NoFollow, root));
        }
        catch
        {
            Release(node);
            throw;
        }
    }

    static TreeStatus StatusOf(Microsoft.Win32.SafeHandles.SafeFileHandle directory, ReadOnlySpan<byte> name, int flags, string root) =>
        TreeCalls.StatX(directory, name, flags, TreeCalls.BasicStatus, out var status) == 0 ? status : throw NoRoot(root, TreeError.Last("cannot be looked at", root).Message);

    static ImpossiblePlanException NoRoot(string root, string reason) =>
        new($"{root}, which paths names, is not there to be backed up: {reason}", "correct paths, or mount what is missing; nothing was stored");

    static ImpossiblePlanException ThroughLink(string root, string link) =>
        new($"{root}, which paths names, is reached through the symbolic link {link}, and links are not followed", "name the directory that the link points to; nothing was stored");

    static void Release(TreeNode? node)
    {
        for (; node is not null; node = node.Parent)
        {
            node.Directory.Release();
        }
    }

    async Task WalkAsync(TreeNode node, bool isIncluded, Func<TreeFile, CancellationToken, ValueTask> take, CancellationToken cancellation)
    {
        List<byte[]> names;
        try
        {
            names = OpenDirectory.ReadNames(node.Directory.Handle, "/" + node.Path);
        }
        catch (IOException e)
        {
            assembly.Unreadable(node.Path, e.Message);
            return;
        }

        foreach (var name in names)
        {
            cancellation.ThrowIfCancellationRequested();
            var path = node.PathOf(EscapedBytes.ToText(name.AsSpan(0, name.Length - 1)));
            if (path.Length > LongestPath)
            {
                assembly.Unreadable(path[..LongestPath], $"its path is longer than {LongestPath} characters");
            }
            else if (TreeCalls.StatX(node.Directory.Handle, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var status) != 0)
            {
                Report(path, Marshal.GetLastPInvokeError(), "cannot be looked at");
            }
            else if (!IsAny(_exclude, path, status) )
            {
                await VisitAsync(node, name, path, status, isIncluded || IsAny(_include, path, status), take, cancellation);
            }
        }
    }

    static bool IsAny(Glob[] globs, string path, in TreeStatus status)
    {
        if (globs.Length == 0)
        {
            return false;
        }

        var text = Glob.TextOf(path);
        foreach (var glob in globs)
        {
            if (glob.Matches(text, status.Type == TreeCalls.DirectoryType))
            {
                return true;
            }
        }

        return false;
    }

    // Gone since its directory was listed, or not to be read.
    void Report(string path, int error, string what)
    {
        if (error is TreeCalls.NoEntry or TreeCalls.NotDirectory or TreeCalls.TooManyLinks)
        {
            assembly.Vanished(path);
        }
        else
        {
            assembly.Unreadable(path, TreeError.Of(error, what, "/" + path).Message);
        }
    }

    async Task VisitAsync(
        TreeNode node, byte[] name, string path, TreeStatus status, bool isIncluded, Func<TreeFile, CancellationToken, ValueTask> take, CancellationToken cancellation)
    {
        if (status.Type == TreeCalls.DirectoryType)
        {
            await VisitDirectoryAsync(node, name, path, status, isIncluded, take, cancellation);
        }
        else if (isIncluded)
        {
            Write(node);
            if (status.Type != TreeCalls.Regular)
            {
                AddOther(node, name, path, status);
            }
            else if (status.LinkCount > 1 && !_firstNames.TryAdd((status.Device, status.Inode), path))
            {
                HardLinks.Add((path, _firstNames[(status.Device, status.Inode)], status));
            }
            else
            {
                await take(new TreeFile(node.Directory.Hold(), name, path, status), cancellation);
            }
        }
    }

    async Task VisitDirectoryAsync(
        TreeNode node, byte[] name, string path, TreeStatus status, bool isIncluded, Func<TreeFile, CancellationToken, ValueTask> take, CancellationToken cancellation)
    {
        var opened = OpenDirectory.Open(node.Directory.Handle, name);
        if (opened.IsInvalid)
        {
            Report(path, Marshal.GetLastPInvokeError(), "cannot be opened");
            opened.Dispose();
            return;
        }

        var child = new TreeNode(node, path, new OpenDirectory(opened), status);
        try
        {
            if (isIncluded)
            {
                Write(child);
            }

            if (!settings.OneFileSystem || status.Device == _device)
            {
                await WalkAsync(child, isIncluded, take, cancellation);
            }
        }
        finally
        {
            child.Directory.Release();
        }
    }

    void AddOther(TreeNode node, byte[] name, string path, in TreeStatus status)
    {
        try
        {
            var attributes = TreeAttributes.ReadAt(node.Directory.Handle, name, "/" + path);
            if (status.Type != TreeCalls.Link)
            {
                assembly.Add(path, ManifestEntryKind.Special, status.Permissions, TreeMetadata.Modified(status), metadata.Of(status, attributes), null);
            }
            else if (ReadLink(node, name, path) is { } target)
            {
                assembly.Add(path, ManifestEntryKind.Link, status.Permissions, TreeMetadata.Modified(status), metadata.Of(status, attributes), target);
            }
        }
        catch (IOException e)
        {
            assembly.Unreadable(path, e.Message);
        }
    }

    string? ReadLink(TreeNode node, byte[] name, string path)
    {
        Span<byte> target = stackalloc byte[LongestPath];
        var length = TreeCalls.ReadLinkAt(node.Directory.Handle, name, target, target.Length);
        if (length < 0)
        {
            Report(path, Marshal.GetLastPInvokeError(), "is a link that cannot be read");
            return null;
        }

        var text = EscapedBytes.ToText(target[..(int)length]);
        if (text.Length > LongestPath)
        {
            assembly.Unreadable(path, $"what it points to is longer than {LongestPath} characters");
            return null;
        }

        return text;
    }

    // Only when something of it is stored, and what lies above it first.
    void Write(TreeNode node)
    {
        if (node.IsWritten)
        {
            return;
        }

        Write(node.Parent!);
        node.IsWritten = true;
        if (!_writtenAbove.Add(node.Path))
        {
            return;
        }

        IReadOnlyList<FileAttribute> attributes = [];
        try
        {
            attributes = TreeAttributes.Read(node.Directory.Handle, "/" + node.Path);
        }
        catch (IOException e)
        {
            assembly.Unreadable(node.Path, e.Message);
        }

        assembly.Add(node.Path, ManifestEntryKind.Directory, node.Status.Permissions, TreeMetadata.Modified(node.Status), metadata.Of(node.Status, attributes), null);
    }
}
