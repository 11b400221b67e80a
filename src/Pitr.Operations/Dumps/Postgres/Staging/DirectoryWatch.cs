using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>What happens to the files of a directory, as the kernel tells it (inotify(7)).</summary>
sealed partial class DirectoryWatch : IDisposable
{
    const uint Created = 0x100;
    const uint ClosedAfterWriting = 0x8;
    const uint Overflow = 0x4000;
    const int NonBlockingCloseOnExec = 0x800 | 0x80000;
    const int TryAgain = 11;
    const int EventLength = 16;

    readonly SafeFileHandle _handle;
    readonly byte[] _events = new byte[64 << 10];

    /// <param name="directory">Existing directory.</param>
    /// <exception cref="IOException">The kernel gives none: too many are in use.</exception>
    public DirectoryWatch(string directory)
    {
        _handle = Initialize(NonBlockingCloseOnExec);
        if (_handle.IsInvalid || AddWatch(_handle, directory, Created | ClosedAfterWriting) < 0)
        {
            var message = Marshal.GetLastPInvokeErrorMessage();
            _handle.Dispose();
            throw new IOException($"{directory} cannot be watched: {message} (fs.inotify.max_user_instances and max_user_watches limit that)");
        }
    }

    /// <summary>Takes what has happened since the last time, in its order; waits for nothing.</summary>
    /// <param name="onCreated">Told the name of a file that was made.</param>
    /// <param name="onClosed">Told the name of a file that a writer has closed.</param>
    /// <returns>False when something was lost, because nobody asked for too long.</returns>
    /// <exception cref="IOException">The kernel reports an error.</exception>
    public bool Take(Action<string> onCreated, Action<string> onClosed)
    {
        var isComplete = true;
        while (ReadEvents() is > 0 and var length)
        {
            for (var at = 0; at < length;)
            {
                var (mask, nameLength) = (Number(at + 4), (int)Number(at + 12));
                isComplete &= (mask & Overflow) == 0;
                var name = Encoding.UTF8.GetString(_events.AsSpan(at + EventLength, nameLength)).TrimEnd('\0');
                if ((mask & Created) != 0)
                {
                    onCreated(name);
                }

                if ((mask & ClosedAfterWriting) != 0)
                {
                    onClosed(name);
                }

                at += EventLength + nameLength;
            }
        }

        return isComplete;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    uint Number(int at) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(_events.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(_events.AsSpan(at));

    int ReadEvents()
    {
        var read = (int)Read(_handle, _events, (nuint)_events.Length);
        return read >= 0 || Marshal.GetLastPInvokeError() == TryAgain ? Math.Max(read, 0) : throw new IOException($"a directory cannot be watched any more: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial SafeFileHandle Initialize(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddWatch(SafeFileHandle handle, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle handle, Span<byte> buffer, nuint length);
}
