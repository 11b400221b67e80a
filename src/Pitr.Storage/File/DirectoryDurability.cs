using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>Makes names in directories survive a power cut: fsync(2) of the directory that holds the name.</summary>
sealed class DirectoryDurability(string root, FileErrors errors, FileSystemFeatures features)
{
    const int MaxRemembered = 8192;

    // Directories whose own names, up to the root's, are known to be durable.
    readonly ConcurrentDictionary<FileIdentity, bool> _durable = new();

    /// <summary>Makes the names in a directory durable, or learns that this file system cannot.</summary>
    /// <exception cref="StorageException">The file system failed to.</exception>
    public void Sync(SafeFileHandle directory, string? key, string path)
    {
        if (!features.DirectorySync)
        {
            return;
        }

        while (LibC.FSync(directory) < 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case LibC.EINTR:
                    continue;
                case LibC.EINVAL or LibC.EOPNOTSUPP or LibC.ENOSYS:
                    features.LoseDirectorySync(root);
                    return;
                case var errno:
                    throw errors.From(errno, key, "cannot fsync the directory", path);
            }
        }
    }

    /// <summary>Whether the directory's own name is known to be durable.</summary>
    public bool Knows(FileIdentity directory) => _durable.ContainsKey(directory);

    /// <summary>Remembers that the directory's own name is durable.</summary>
    public void Remember(FileIdentity directory)
    {
        if (_durable.Count >= MaxRemembered)
        {
            _durable.Clear();
        }

        _durable[directory] = true;
    }

    /// <summary>Forgets everything: another file system may be mounted.</summary>
    public void Forget() => _durable.Clear();
}
