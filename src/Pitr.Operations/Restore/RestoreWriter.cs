using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Restore;

/// <summary>
/// Writes the files of a backup, several threads at once, each through a <see cref="RestoreWriterSession"/> of its own. A file is made when its first
/// run arrives, and has its time when its last one has.
/// </summary>
sealed class RestoreWriter
{
    const int LockCount = 64;

    // A file that its owner may not write has to be opened again while it is written; it gets its own mode with its last run.
    const UnixFileMode WhileWritten = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly RestoreContent _content;
    readonly string[] _directories;
    readonly Lock[] _opening = new Lock[LockCount];
    readonly byte[]? _controlFile;
    long _kept;

    /// <param name="content">What is restored.</param>
    /// <param name="target">Where to.</param>
    public RestoreWriter(RestoreContent content, RestoreDirectory target)
    {
        _content = content;
        _directories = [.. content.Directories.Select(d => Path.Combine(target.PathOf(d.Place), d.Path))];
        _controlFile = content.ControlFile < 0 ? null : new byte[content.Files[content.ControlFile].Size];
        for (var i = 0; i < LockCount; i++)
        {
            _opening[i] = new Lock();
        }
    }

    /// <summary>Bytes that were there already.</summary>
    public long KeptBytes => Interlocked.Read(ref _kept);

    /// <summary>Makes all directories that are missing, the links of tablespaces, and the files without stored bytes.</summary>
    public void MakeDirectoriesAndEmptyFiles(RestoreDirectory target)
    {
        for (var number = 1; number < _directories.Length; number++)
        {
            var directory = _content.Directories[number];
            if (directory.Parent < 0)
            {
                var place = target.Tablespaces[directory.Place - 1];
                File.CreateSymbolicLink(Path.Combine(target.Root, "pg_tblspc", place.Tablespace.Oid), place.Target);
                continue;
            }

            var mode = (UnixFileMode)(directory.Mode & 0x1FF) | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.UserRead;
            Directory.CreateDirectory(_directories[number], mode);
            // Whatever the umask says.
            File.SetUnixFileMode(_directories[number], mode);
        }

        for (var file = 0; file < _content.Files.Count; file++)
        {
            ref var row = ref _content.Files[file];
            if (row is { Outstanding: 0, IsBegun: false } && file != _content.ControlFile)
            {
                using var handle = Open(file);
                if (row.State == FileState.Kept)
                {
                    RandomAccess.SetLength(handle, 0);
                    RandomAccess.SetLength(handle, row.Size);
                }

                Finish(handle, row);
            }
        }
    }

    /// <summary>Keeps bytes of the control file back until everything else is durable.</summary>
    /// <returns>False for another file.</returns>
    public bool TryHoldBack(in SpooledRun run, ReadOnlySpan<byte> bytes)
    {
        if (run.File != _content.ControlFile)
        {
            return false;
        }

        bytes.CopyTo(_controlFile.AsSpan((int)run.Offset));
        return true;
    }

    /// <summary>Writes the control file.</summary>
    public void WriteControlFile()
    {
        using var handle = Open(_content.ControlFile);
        RandomAccess.Write(handle, _controlFile, 0);
        Finish(handle, _content.Files[_content.ControlFile]);
    }

    /// <summary>Opens a file: makes it, or sets the size and mode of one that was there, the first time.</summary>
    public SafeFileHandle Open(int file)
    {
        ref var row = ref _content.Files[file];
        var path = Path.Combine(_directories[row.Directory], _content.Files.NameOf(file));
        lock (_opening[file % LockCount])
        {
            if (row.State == FileState.Found)
            {
                File.SetUnixFileMode(path, (UnixFileMode)row.Mode | WhileWritten);
            }

            var handle = row.State == FileState.Absent
                ? File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite)
                : File.OpenHandle(path, FileMode.Open, row.State == FileState.Made ? FileAccess.Write : FileAccess.ReadWrite, FileShare.ReadWrite);
            if (row.State is FileState.Absent or FileState.Found)
            {
                // Zero runs of a new file are never written: it is as sparse as they are.
                if (row.State == FileState.Absent || RandomAccess.GetLength(handle) != row.Size)
                {
                    RandomAccess.SetLength(handle, row.Size);
                }

                File.SetUnixFileMode(handle, (UnixFileMode)row.Mode | WhileWritten);
                row.State = row.State == FileState.Absent ? FileState.Made : FileState.Kept;
            }

            return handle;
        }
    }

    /// <summary>Whether what is in an opened file may be kept where it is right.</summary>
    public bool MayKeep(int file) => _content.Files[file].State == FileState.Kept;

    /// <summary>Counts a run as written; gives the file its time with the last one.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool CountDown(int file, SafeFileHandle handle, long keptBytes)
    {
        Interlocked.Add(ref _kept, keptBytes);
        ref var row = ref _content.Files[file];
        if (Interlocked.Decrement(ref row.Outstanding) > 0)
        {
            return false;
        }

        Finish(handle, row);
        return true;
    }

    static void Finish(SafeFileHandle handle, in FileRow row)
    {
        if (((UnixFileMode)row.Mode & WhileWritten) != WhileWritten)
        {
            File.SetUnixFileMode(handle, (UnixFileMode)row.Mode);
        }

        File.SetLastWriteTimeUtc(handle, new DateTime(row.Modified, DateTimeKind.Utc));
    }
}
