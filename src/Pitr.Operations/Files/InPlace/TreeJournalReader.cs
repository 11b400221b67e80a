using Pitr.Format;
using Pitr.Format.Manifests;

namespace Pitr.Operations.Files.InPlace;

/// <summary>Reads the journal of a restore of files in place, a batch at a time.</summary>
sealed class TreeJournalReader : IDisposable
{
    readonly FileStream _file;
    readonly long _durable;
    readonly List<TreePlanDirectory> _directories = [];
    readonly List<TreeJournalDirectory> _noted = [];
    readonly Dictionary<int, TreeJournalDirectory> _byNumber = [];
    readonly long _batches;

    TreeJournalReader(FileStream file)
    {
        _file = file;
        var head = new byte[TreeJournalFrame.HeadLength];
        _file.ReadExactly(head);
        _durable = TreeJournalFrame.ReadHead(head);
        long place = TreeJournalFrame.HeadLength;
        Head = ReadBegin(ref place);
        while (Next(place) is { Kind: not TreeJournalFrame.Batch } frame)
        {
            Note(frame.Kind, frame.Content);
            place += TreeJournalFrame.Overhead + frame.Content.Length;
        }

        _batches = place;
    }

    /// <summary>What it begins with.</summary>
    public TreeJournalHead Head { get; }

    /// <summary>The directories by their numbers; those that the journal does not name are empty.</summary>
    public IReadOnlyList<TreePlanDirectory> Directories => _directories;

    /// <summary>The directories that the restore needs, each after the one it lies in.</summary>
    public IReadOnlyList<TreeJournalDirectory> Noted => _noted;

    /// <summary>Opens one; null when there is none.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static TreeJournalReader? TryOpen(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        try
        {
            return new TreeJournalReader(file);
        }
        catch (Exception e)
        {
            file.Dispose();
            throw e is EndOfStreamException or DamagedObjectException ? new FormatException(e.Message, e) : e;
        }
    }

    /// <summary>A directory that the restore needs, by its number; null for another.</summary>
    public TreeJournalDirectory? DirectoryOf(int number) => _byNumber.GetValueOrDefault(number);

    /// <summary>The path of something in a directory, as it is shown.</summary>
    public string PathOf(int directory, byte[] name) => _directories[directory].Path is { Length: > 0 } path ? $"/{path}/{TreeNames.Text(name)}" : $"/{TreeNames.Text(name)}";

    /// <summary>Reads what was to get its name, in that order, with what is known of what was done.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public IEnumerable<IReadOnlyList<TreeJournalEntry>> Batches()
    {
        List<TreeJournalEntry>? batch = null;
        var place = _batches;
        while (Next(place) is { } frame)
        {
            place += TreeJournalFrame.Overhead + frame.Content.Length;
            if (frame.Kind == TreeJournalFrame.Batch)
            {
                if (batch is not null)
                {
                    yield return batch;
                }

                batch = ReadBatch(frame.Content);
            }
            else
            {
                Apply(batch!, frame.Kind, frame.Content);
            }
        }

        if (batch is not null)
        {
            yield return batch;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // What was not durable may be anything after a crash of the machine, and nothing of it was done; what was durable must be there.
    (byte Kind, byte[] Content)? Next(long place) =>
        TreeJournalFrame.TryRead(_file, place) ?? (place >= _durable ? null : throw new FormatException($"it is damaged from byte {place} on"));

    TreeJournalHead ReadBegin(ref long place)
    {
        if (Next(place) is not { Kind: TreeJournalFrame.Begin } frame)
        {
            throw new FormatException("its beginning is not there");
        }

        place += TreeJournalFrame.Overhead + frame.Content.Length;
        using var from = Reader(frame.Content);
        return TreeJournalHead.Read(from);
    }

    void Note(byte kind, byte[] content)
    {
        using var from = Reader(content);
        if (kind == TreeJournalFrame.Directories)
        {
            for (var left = from.ReadInt32(); left > 0; left--)
            {
                Add(TreeJournalDirectory.Read(from));
            }

            return;
        }

        var directory = _byNumber.GetValueOrDefault(from.ReadInt32()) ?? throw new FormatException("it speaks of a directory that it does not name");
        switch (kind)
        {
            case TreeJournalFrame.Made:
                directory.Made = from.ReadUInt64();
                directory.AsideChanged = from.ReadBoolean() ? TreeTime.Read(from) : null;
                break;
            case TreeJournalFrame.DirectoryAside:
                directory.Attempt = from.ReadInt32();
                break;
            default:
                throw new FormatException($"it has a piece of kind {kind}");
        }
    }

    void Add(TreeJournalDirectory directory)
    {
        var isRoot = directory is { Number: 0, Parent: -1 };
        if (!_byNumber.TryAdd(directory.Number, directory) || (!isRoot && (directory.Parent >= directory.Number || !_byNumber.ContainsKey(directory.Parent) || !IsName(directory.Name))))
        {
            throw new FormatException("its directories make no sense");
        }

        while (_directories.Count <= directory.Number)
        {
            _directories.Add(new TreePlanDirectory(-1, [], ""));
        }

        var above = isRoot ? "" : _directories[directory.Parent].Path;
        _directories[directory.Number] = new TreePlanDirectory(directory.Parent, directory.Name, isRoot ? "" : above.Length == 0 ? TreeNames.Text(directory.Name) : $"{above}/{TreeNames.Text(directory.Name)}");
        _noted.Add(directory);
    }

    List<TreeJournalEntry> ReadBatch(byte[] content)
    {
        using var from = Reader(content);
        var batch = new List<TreeJournalEntry>();
        for (var left = from.ReadInt32(); left > 0; left--)
        {
            var entry = TreeJournalEntry.Read(from);
            batch.Add(_byNumber.ContainsKey(entry.Directory) && IsName(entry.Name) && IsName(entry.Temporary) ? entry : throw new FormatException("it has an entry that makes no sense"));
        }

        return batch;
    }

    static void Apply(List<TreeJournalEntry> batch, byte kind, byte[] content)
    {
        using var from = Reader(content);
        var index = from.ReadInt32();
        if (index < 0 || index >= batch.Count)
        {
            throw new FormatException("it speaks of an entry that it does not have");
        }

        switch (kind)
        {
            case TreeJournalFrame.Placed:
                batch[index].RestoredChanged = TreeTime.Read(from);
                batch[index].FormerChanged = from.ReadBoolean() ? TreeTime.Read(from) : null;
                break;
            case TreeJournalFrame.Aside:
                batch[index] = batch[index] with { Attempt = from.ReadInt32() };
                break;
            default:
                throw new FormatException($"it has a piece of kind {kind}");
        }
    }

    static bool IsName(byte[] name) => name.Length > 1 && name.AsSpan().IndexOf((byte)0) == name.Length - 1 && !name.AsSpan().Contains((byte)'/') && !name.AsSpan().SequenceEqual(".\0"u8) && !name.AsSpan().SequenceEqual("..\0"u8);

    static BinaryReader Reader(byte[] content) => new(new MemoryStream(content, writable: false));
}
