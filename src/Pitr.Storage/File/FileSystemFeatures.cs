using Microsoft.Win32.SafeHandles;

namespace Pitr.Storage.File;

/// <summary>What the file system below a repository turned out to support. Assumed until it refuses; what is lost by a refusal is a remark.</summary>
sealed class FileSystemFeatures
{
    readonly Lock _lock = new();
    readonly List<string> _remarks = [];
    volatile bool _renameWithoutReplacing = true;
    volatile bool _directorySync = true;
    volatile bool _preallocation = true;
    volatile bool _inMemory;
    readonly Func<SafeFileHandle, long?> _typeOf;

    public FileSystemFeatures()
        : this(FileSystemType.Of)
    {
    }

    /// <param name="typeOf">Tells the type of a directory's file system.</param>
    internal FileSystemFeatures(Func<SafeFileHandle, long?> typeOf) => _typeOf = typeOf;

    /// <summary>renameat2 with RENAME_NOREPLACE; link() does the same where it is missing (NFS).</summary>
    public bool RenameWithoutReplacing
    {
        get => _renameWithoutReplacing;
        set => _renameWithoutReplacing = value;
    }

    /// <summary>fallocate; only a convenience.</summary>
    public bool Preallocation
    {
        get => _preallocation;
        set => _preallocation = value;
    }

    /// <summary>fsync of a directory, without which a new name may not survive a power cut.</summary>
    public bool DirectorySync => _directorySync;

    /// <summary>Whether what is acknowledged survives a power cut, as far as the kernel tells.</summary>
    public bool Durable => _directorySync && !_inMemory;

    /// <summary>What an operator should know, or <see langword="null"/>.</summary>
    public string? Remark
    {
        get
        {
            lock (_lock)
            {
                return _remarks.Count == 0 ? null : string.Join(' ', _remarks);
            }
        }
    }

    public void LoseDirectorySync(string root)
    {
        _directorySync = false;
        Note($"The file system of {root} cannot fsync directories, so a new object may be lost in a power cut although it was acknowledged.");
    }

    /// <summary>Finds out what kind of file system the root is on, and what to say about it.</summary>
    public void Recognize(SafeFileHandle root, string path)
    {
        if (_typeOf(root) is not { } type)
        {
            return;
        }

        _inMemory = FileSystemType.IsInMemory(type);
        if (FileSystemType.Describe(type) is { } description)
        {
            Note($"{path} {description}.");
        }
    }

    /// <summary>Remembers a sentence once; a bounded number of them.</summary>
    public void Note(string sentence)
    {
        lock (_lock)
        {
            if (_remarks.Count < 8 && !_remarks.Contains(sentence))
            {
                _remarks.Add(sentence);
            }
        }
    }
}
