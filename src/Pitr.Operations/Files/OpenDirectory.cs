using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Files;

/// <summary>A directory that is open as long as somebody has to look something up in it. Safe for several threads.</summary>
/// <param name="handle">Open.</param>
sealed class OpenDirectory(SafeFileHandle handle)
{
    static readonly byte[] Itself = [(byte)'.', 0];

    int _users = 1;

    /// <summary>The open directory.</summary>
    public SafeFileHandle Handle => handle;

    /// <summary>One more has to look something up.</summary>
    public OpenDirectory Hold()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>One has no more to look up.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            handle.Dispose();
        }
    }

    /// <summary>Opens a directory in another, never through a link; its last error says why not, when it is not valid.</summary>
    public static SafeFileHandle Open(SafeFileHandle parent, ReadOnlySpan<byte> name) =>
        TreeCalls.OpenAt(parent, name, TreeCalls.ReadOnly | TreeCalls.OnlyDirectory | TreeCalls.NoLinks | TreeCalls.CloseOnExec, 0);

    /// <summary>Opens the root of all.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static SafeFileHandle OpenRoot()
    {
        var root = TreeCalls.OpenAt(TreeCalls.CurrentDirectory, "/\0"u8, TreeCalls.ReadOnly | TreeCalls.OnlyDirectory | TreeCalls.CloseOnExec, 0);
        return root.IsInvalid ? throw TreeError.Last("cannot be opened", "/") : root;
    }

    /// <summary>The names in a directory, each with a zero at its end, in the order of their bytes.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static List<byte[]> ReadNames(SafeFileHandle directory, string path)
    {
        // A descriptor of its own: closing the stream closes it, and its position belongs to it.
        using var own = TreeCalls.OpenAt(directory, Itself, TreeCalls.ReadOnly | TreeCalls.OnlyDirectory | TreeCalls.CloseOnExec, 0);
        var descriptor = own.IsInvalid ? -1 : TreeCalls.Duplicate(own);
        var stream = descriptor < 0 ? 0 : TreeCalls.OpenDirectoryStream(descriptor);
        if (stream == 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (descriptor >= 0)
            {
                _ = TreeCalls.Close(descriptor);
            }

            throw TreeError.Of(error, "cannot be listed", path);
        }

        try
        {
            var names = new List<byte[]>();
            while (TreeCalls.ReadDirectory(stream) is not 0 and var entry)
            {
                var name = Name(entry + TreeCalls.DirentName);
                if (!name.AsSpan().SequenceEqual(".\0"u8) && !name.AsSpan().SequenceEqual("..\0"u8))
                {
                    names.Add(name);
                }
            }

            if (Marshal.GetLastPInvokeError() is not 0 and var failed)
            {
                throw TreeError.Of(failed, "cannot be listed", path);
            }

            names.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
            return names;
        }
        finally
        {
            _ = TreeCalls.CloseDirectoryStream(stream);
        }
    }

    static unsafe byte[] Name(nint text)
    {
        var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)text);
        return [.. name, 0];
    }
}
