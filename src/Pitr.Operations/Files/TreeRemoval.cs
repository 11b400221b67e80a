using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files;

/// <summary>Removes a tree, whatever its names are and whatever its directories let their owner do. Follows no link.</summary>
static class TreeRemoval
{
    const uint Open = 0x1C0;

    /// <summary>Removes a directory and everything in it; one that is not there is fine.</summary>
    /// <param name="directory">Its path.</param>
    /// <exception cref="IOException">Something cannot be removed.</exception>
    public static void Remove(string directory)
    {
        byte[] path = [.. System.Text.Encoding.UTF8.GetBytes(directory), 0];
        using var root = OpenDirectory.OpenRoot();
        var opened = TryOpen(root, path);
        if (opened is null)
        {
            return;
        }

        using (opened)
        {
            Empty(opened, directory);
        }

        RemoveEmpty(root, path, directory);
    }

    // Null: it is gone.
    static SafeFileHandle? TryOpen(SafeFileHandle parent, byte[] name)
    {
        var opened = OpenDirectory.Open(parent, name);
        if (opened.IsInvalid && Marshal.GetLastPInvokeError() == TreeCalls.AccessDenied)
        {
            opened.Dispose();
            LetOwnerIn(parent, name);
            opened = OpenDirectory.Open(parent, name);
        }

        if (!opened.IsInvalid)
        {
            return opened;
        }

        var error = Marshal.GetLastPInvokeError();
        opened.Dispose();
        return error == TreeCalls.NoEntry ? null : throw TreeError.Of(error, "cannot be opened to be removed", EscapedBytes.ToText(name.AsSpan(0, name.Length - 1)));
    }

    // A path through /proc, because chmod by descriptor refuses one that was opened for its path only. What is open cannot become a link.
    static void LetOwnerIn(SafeFileHandle parent, byte[] name)
    {
        using var itself = TreeCalls.OpenAt(parent, name, TreeCalls.OnlyPath | TreeCalls.OnlyDirectory | TreeCalls.NoLinks | TreeCalls.CloseOnExec, 0);
        if (!itself.IsInvalid)
        {
            _ = TreeCalls.SetModeOf(TreeCalls.PathOf(itself), Open);
        }
    }

    static void Empty(SafeFileHandle directory, string shown)
    {
        if (TreeCalls.StatX(directory, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) == 0 && (status.Permissions & Open) != Open)
        {
            _ = TreeCalls.SetMode(directory, Open);
        }

        foreach (var name in OpenDirectory.ReadNames(directory, shown))
        {
            if (TreeCalls.UnlinkAt(directory, name, 0) == 0)
            {
                continue;
            }

            var path = $"{shown}/{EscapedBytes.ToText(name.AsSpan(0, name.Length - 1))}";
            var error = Marshal.GetLastPInvokeError();
            if (error == TreeCalls.NoEntry)
            {
                continue;
            }

            if (error != TreeCalls.IsDirectory)
            {
                throw TreeError.Of(error, "cannot be removed", path);
            }

            using (var child = TryOpen(directory, name))
            {
                if (child is null)
                {
                    continue;
                }

                Empty(child, path);
            }

            RemoveEmpty(directory, name, path);
        }
    }

    static void RemoveEmpty(SafeFileHandle parent, byte[] name, string shown)
    {
        if (TreeCalls.UnlinkAt(parent, name, TreeCalls.RemoveDirectory) != 0 && Marshal.GetLastPInvokeError() != TreeCalls.NoEntry)
        {
            throw TreeError.Last("cannot be removed", shown);
        }
    }
}
