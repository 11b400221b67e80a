using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;
using Pitr.Operations.Files;

namespace Pitr.Operations.Drill.Files;

/// <summary>Goes through a restored tree and knows nothing of what should be in it. Follows no link.</summary>
/// <param name="root">The directory that stands for /.</param>
sealed class RestoredWalk(string root)
{
    readonly HashSet<(ulong Device, ulong Inode)> _seen = [];

    /// <summary>Directories that this user may not look into.</summary>
    public int Closed { get; private set; }

    /// <summary>Everything but the root, each directory before what is in it.</summary>
    /// <exception cref="IOException">Something cannot be read.</exception>
    public IEnumerable<RestoredFile> Run(CancellationToken cancellation)
    {
        using var top = OpenDirectory.OpenRoot();
        byte[] path = [.. System.Text.Encoding.UTF8.GetBytes(root), 0];
        var stack = new Stack<(SafeFileHandle Directory, string Path, Queue<byte[]> Names)>();
        try
        {
            Enter(stack, top, path, "");
            while (stack.Count > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                var (directory, above, names) = stack.Peek();
                if (!names.TryDequeue(out var name))
                {
                    stack.Pop().Directory.Dispose();
                    continue;
                }

                var text = EscapedBytes.ToText(name.AsSpan(0, name.Length - 1));
                var inside = above.Length == 0 ? text : $"{above}/{text}";
                if (TreeCalls.StatX(directory, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var status) != 0)
                {
                    throw TreeError.Last("cannot be looked at", "/" + inside);
                }

                yield return new RestoredFile(inside, status, status is { Type: TreeCalls.Regular, LinkCount: > 1 } && !_seen.Add((status.Device, status.Inode)));
                if (status.Type == TreeCalls.DirectoryType)
                {
                    Enter(stack, directory, name, inside);
                }
            }
        }
        finally
        {
            foreach (var (directory, _, _) in stack)
            {
                directory.Dispose();
            }
        }
    }

    void Enter(Stack<(SafeFileHandle Directory, string Path, Queue<byte[]> Names)> stack, SafeFileHandle parent, byte[] name, string path)
    {
        var opened = OpenDirectory.Open(parent, name);
        var error = opened.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
        // To be let in without being allowed to look anything up is as good as not.
        if (error == 0 && (TreeCalls.StatX(opened, ".\0"u8, TreeCalls.NoFollow, TreeCalls.BasicStatus, out _) == 0 || Marshal.GetLastPInvokeError() != TreeCalls.AccessDenied))
        {
            stack.Push((opened, path, new Queue<byte[]>(OpenDirectory.ReadNames(opened, "/" + path))));
            return;
        }

        opened.Dispose();
        if (error is not (0 or TreeCalls.AccessDenied))
        {
            throw TreeError.Of(error, "cannot be opened", "/" + path);
        }

        Closed++;
    }
}
