using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Files;

/// <summary>One thread's writing of content into files that have temporary names yet; keeps a few of them open.</summary>
/// <param name="plan">What goes where.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="tag">What temporary names of this restore have in common.</param>
/// <param name="digests">Takes what was written; null where nobody asks.</param>
sealed class TreeWriter(TreePlan plan, SafeFileHandle root, string tag, ContentDigests? digests) : IRunWriter, IDisposable
{
    const int MostOpen = 16;
    const uint Private = 0x180;
    const int Interrupted = 4;

    readonly TreeHandles _directories = new(plan.Directories, root);
    readonly (int File, SafeFileHandle Handle)?[] _open = new (int, SafeFileHandle)?[MostOpen];
    int _next;

    /// <summary>The name that a file has until it is whole, with a zero at its end.</summary>
    /// <param name="tag">Of the restore.</param>
    /// <param name="file">Its number.</param>
    public static byte[] TemporaryName(string tag, int file) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $".pitr-{tag}-{file}\0"));

    /// <summary>Opens a file under its temporary name, and makes it first if need be.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static SafeFileHandle Open(SafeFileHandle directory, byte[] name, string shown)
    {
        var handle = TreeCalls.OpenAt(directory, name, TreeCalls.WriteOnly | TreeCalls.Create | TreeCalls.NoLinks | TreeCalls.CloseOnExec, Private);
        if (handle.IsInvalid)
        {
            throw TreeError.Last("cannot be written", shown);
        }

        // Who may write into the directory could have put another name of somebody's file there.
        if (TreeCalls.StatX(handle, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var status) != 0 || status.LinkCount != 1 || status.Type != TreeCalls.Regular)
        {
            handle.Dispose();
            throw new IOException($"{shown} cannot be written: somebody else has changed what is there");
        }

        return handle;
    }

    /// <inheritdoc/>
    public void Write(in SpooledRun run, ReadOnlySpan<byte> bytes)
    {
        var handle = Open(run.File);
        for (var done = 0; done < bytes.Length;)
        {
            var written = TreeCalls.Write(handle, bytes[done..], bytes.Length - done, run.Offset + done);
            if (written < 0 && Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw TreeError.Last("cannot be written", "a file in /" + plan.Directories[plan.FileDirectories[run.File]].Path);
            }

            done += (int)Math.Max(0, written);
        }

        digests?.Add(run.File, run.Offset, bytes);
    }

    SafeFileHandle Open(int file)
    {
        foreach (var open in _open)
        {
            if (open is { } known && known.File == file)
            {
                return known.Handle;
            }
        }

        _open[_next]?.Handle.Dispose();
        _open[_next] = null;
        var number = plan.FileDirectories[file];
        var handle = Open(_directories.Open(number), TemporaryName(tag, file), "a file in /" + plan.Directories[number].Path);
        _open[_next] = (file, handle);
        _next = (_next + 1) % MostOpen;
        return handle;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var open in _open)
        {
            open?.Handle.Dispose();
        }

        _directories.Dispose();
    }
}
