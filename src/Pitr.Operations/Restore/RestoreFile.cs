using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Restore;

/// <summary>One file of the restored data directory while its runs arrive from several packs at once.</summary>
sealed class RestoreFile(string path, ManifestEntry entry, int runs)
{
    readonly Lock _opening = new();
    SafeFileHandle? _handle;
    int _outstanding = runs;

    /// <summary>Writes one run; the file is closed with its last one.</summary>
    public void Write(long offset, ReadOnlySpan<byte> content)
    {
        RandomAccess.Write(Open(), content, offset);
        if (Interlocked.Decrement(ref _outstanding) == 0)
        {
            Close();
        }
    }

    /// <summary>Makes a file that has no stored bytes: empty, or all zeros.</summary>
    public void WriteEmpty()
    {
        Open();
        Close();
    }

    SafeFileHandle Open()
    {
        lock (_opening)
        {
            if (_handle is null)
            {
                _handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
                // Zero runs are never written: the file is as sparse as they are.
                RandomAccess.SetLength(_handle, entry.Size);
                File.SetUnixFileMode(_handle, (UnixFileMode)(entry.Mode & 0x1FF));
            }

            return _handle;
        }
    }

    void Close()
    {
        File.SetLastWriteTimeUtc(_handle!, entry.Modified.UtcDateTime);
        _handle!.Dispose();
    }
}
