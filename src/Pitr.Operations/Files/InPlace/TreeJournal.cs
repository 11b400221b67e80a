using Microsoft.Win32.SafeHandles;

namespace Pitr.Operations.Files.InPlace;

/// <summary>
/// Writes down what a restore of files in place is about to change, so that another process can undo it after a kill or a crash of the machine. What something gets is durable before it is done, for many of
/// them at once; what has been done is written without waiting, since the files themselves say it, too.
/// </summary>
sealed class TreeJournal : IDisposable
{
    const int DirectoriesAtOnce = 256;
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly SafeFileHandle _file;
    readonly string _path;
    readonly Action? _step;
    long _length = TreeJournalFrame.HeadLength;
    bool _isPublished;

    TreeJournal(SafeFileHandle file, string path, TreeJournalHead head, Action? step) => (_file, _path, Head, _step) = (file, path, head, step);

    /// <summary>What it begins with.</summary>
    public TreeJournalHead Head { get; }

    /// <summary>Begins one; it has its name when <see cref="Publish"/> returns.</summary>
    /// <param name="path">Its name in the end.</param>
    /// <param name="head">What it begins with.</param>
    /// <param name="step">For tests: called before each change of what is there.</param>
    /// <exception cref="IOException">The state directory cannot be written.</exception>
    public static TreeJournal Begin(string path, TreeJournalHead head, Action? step)
    {
        var file = new FileStream(path + ".tmp", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Private });
        var journal = new TreeJournal(file.SafeFileHandle, path, head, step);
        try
        {
            RandomAccess.Write(journal._file, TreeJournalFrame.Head(0), 0);
            journal.Append(TreeJournalFrame.Begin, head.Write);
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Something is about to be changed.</summary>
    public void Step() => _step?.Invoke();

    /// <summary>Writes down directories as they are.</summary>
    public void Write(IEnumerable<TreeJournalDirectory> directories)
    {
        foreach (var some in directories.Chunk(DirectoriesAtOnce))
        {
            Append(TreeJournalFrame.Directories, to =>
            {
                to.Write(some.Length);
                foreach (var directory in some)
                {
                    directory.Write(to);
                }
            });
        }
    }

    /// <summary>Makes it durable under its name: from here on there is something to undo.</summary>
    /// <exception cref="IOException">It cannot be.</exception>
    public void Publish()
    {
        Sync();
        File.Move(_path + ".tmp", _path);
        _isPublished = true;
        LibC.SyncDirectory(Path.GetDirectoryName(_path)!);
    }

    /// <summary>A directory was made.</summary>
    /// <param name="number">Which.</param>
    /// <param name="inode">Its inode number; 0: somebody else made it.</param>
    /// <param name="aside">When what had its name got its name aside; null where nothing had.</param>
    public void Made(int number, ulong inode, TreeTime? aside) => Append(TreeJournalFrame.Made, to =>
    {
        to.Write(number);
        to.Write(inode);
        to.Write(aside is not null);
        aside?.Write(to);
    });

    /// <summary>What has the name of a directory gets another name aside than was thought.</summary>
    public void DirectoryAside(int number, int attempt) => AppendDurably(TreeJournalFrame.DirectoryAside, to =>
    {
        to.Write(number);
        to.Write(attempt);
    });

    /// <summary>Writes down, durable, what gets its name next.</summary>
    public void Write(IReadOnlyList<TreeJournalEntry> batch) => AppendDurably(TreeJournalFrame.Batch, to =>
    {
        to.Write(batch.Count);
        foreach (var entry in batch)
        {
            entry.Write(to);
        }
    });

    /// <summary>One of the last batch has its name.</summary>
    /// <param name="index">Which of the batch, from 0.</param>
    /// <param name="placed">Its time of change.</param>
    /// <param name="aside">That of what was there.</param>
    public void Placed(int index, TreeTime placed, TreeTime? aside) => Append(TreeJournalFrame.Placed, to =>
    {
        to.Write(index);
        placed.Write(to);
        to.Write(aside is not null);
        aside?.Write(to);
    });

    /// <summary>What was in the place of one of the last batch gets another name aside than was thought.</summary>
    public void Aside(int index, int attempt) => AppendDurably(TreeJournalFrame.Aside, to =>
    {
        to.Write(index);
        to.Write(attempt);
    });

    /// <summary>Whether it is this very file.</summary>
    public bool IsItself(in TreeStatus status) =>
        TreeCalls.StatX(_file, "\0"u8, TreeCalls.EmptyPath, TreeCalls.BasicStatus, out var own) == 0 && own.Inode == status.Inode && own.Device == status.Device;

    /// <summary>Makes all of it durable.</summary>
    /// <exception cref="IOException">It cannot be.</exception>
    public void Sync()
    {
        RandomAccess.FlushToDisk(_file);
        // It gets to the disk with the next one: it never says more than is true.
        RandomAccess.Write(_file, TreeJournalFrame.Head(_length), 0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        if (!_isPublished)
        {
            File.Delete(_path + ".tmp");
        }
    }

    void AppendDurably(byte kind, Action<BinaryWriter> write)
    {
        Append(kind, write);
        Sync();
    }

    void Append(byte kind, Action<BinaryWriter> write)
    {
        using var content = new MemoryStream();
        using (var writer = new BinaryWriter(content, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            write(writer);
        }

        var frame = TreeJournalFrame.Encode(_length, kind, content.GetBuffer().AsSpan(0, (int)content.Length));
        Step();
        RandomAccess.Write(_file, frame, _length);
        _length += frame.Length;
    }
}
