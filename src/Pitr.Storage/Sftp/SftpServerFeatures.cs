namespace Pitr.Storage.Sftp;

/// <summary>
/// What the server turned out to support. Nothing is known before the first session; what is lost later by a refusal is a remark.
/// Servers behind one name may differ: what one of them lacks is not promised.
/// </summary>
sealed class SftpServerFeatures
{
    const int MaxRemarks = 8;

    readonly Lock _lock = new();
    readonly List<string> _remarks = [];
    bool _known;
    volatile bool _fileSync = true;
    volatile bool _directorySync = true;
    volatile bool _hardLinks = true;
    volatile bool _posixRename = true;
    volatile bool _statVfs = true;
    volatile bool _directorySyncSeen;

    /// <summary>fsync of files.</summary>
    public bool FileSync => _fileSync;

    /// <summary>fsync of directories, which servers on Linux do for one opened like a file.</summary>
    public bool DirectorySync => _directorySync && _fileSync;

    /// <summary>Create-if-absent by a second name for the finished file.</summary>
    public bool HardLinks => _hardLinks;

    /// <summary>Rename onto a file that is there.</summary>
    public bool PosixRename => _posixRename;

    /// <summary>Figures about the file system; only for recognizing it and for messages.</summary>
    public bool StatVfs
    {
        get => _statVfs;
        set => _statVfs = value;
    }

    public StoreCapabilities Capabilities
    {
        get
        {
            lock (_lock)
            {
                return _known
                    ? new StoreCapabilities(
                        HardLinks, PosixRename, ReadAfterWrite: true, DirectorySync, _remarks.Count == 0 ? null : string.Join(' ', _remarks))
                    : new StoreCapabilities(false, false, false, false, "Nothing is known about the server before the first connection.");
            }
        }
    }

    /// <summary>Takes note of what a new session's server announced.</summary>
    public void Learn(SftpSession session)
    {
        lock (_lock)
        {
            _known = true;
        }

        if (!session.Offers(SftpExtension.FSync))
        {
            LoseFileSync();
        }

        if (!session.Offers(SftpExtension.HardLink))
        {
            LoseHardLinks($"The server does not offer {SftpExtension.HardLink}");
        }

        if (!session.Offers(SftpExtension.PosixRename))
        {
            LosePosixRename();
        }

        if (!session.Offers(SftpExtension.StatVfs, "2"))
        {
            StatVfs = false;
        }
    }

    public void LoseFileSync()
    {
        _fileSync = false;
        Note($"The server does not offer {SftpExtension.FSync}, so a new object may be lost in a power cut although it was acknowledged.");
    }

    /// <summary>A directory could be fsynced, so that a later failure to do it is an error.</summary>
    public void SawDirectorySync() => _directorySyncSeen = true;

    /// <summary>Whether an fsync of a directory that failed means that the server cannot do it at all.</summary>
    public bool MayLackDirectorySync => !_directorySyncSeen;

    public void LoseDirectorySync(string path, string why)
    {
        _directorySync = false;
        Note(
            $"The server cannot fsync the directory {path} ({why}), "
            + "so a new object's name may be lost in a power cut although it was acknowledged.");
    }

    /// <param name="why">The sentence's beginning.</param>
    public void LoseHardLinks(string why)
    {
        _hardLinks = false;
        Note($"{why}, so of two clients that create an object at the same moment both may believe they won.");
    }

    public void LosePosixRename()
    {
        _posixRename = false;
        Note($"The server does not offer {SftpExtension.PosixRename}, so an object is absent for a moment while it is replaced.");
    }

    /// <summary>Remembers a sentence once; a bounded number of them.</summary>
    public void Note(string sentence)
    {
        lock (_lock)
        {
            if (_remarks.Count < MaxRemarks && !_remarks.Contains(sentence))
            {
                _remarks.Add(sentence);
            }
        }
    }
}
