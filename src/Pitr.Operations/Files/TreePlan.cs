using Pitr.Format;
using Pitr.Format.Manifests;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Files;

/// <summary>
/// What a restore of files needs to know of the manifest while it runs: the directories, which file lies in which, and which record goes where. Names and all else of files is read from the manifest
/// when it is their turn, so that memory hardly grows with their number.
/// </summary>
sealed class TreePlan : IDisposable
{
    readonly PathSelection _selection;
    readonly RunSpool _runs;
    readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal) { [""] = 0 };
    readonly List<TreePlanDirectory> _directories = [new TreePlanDirectory(-1, [], "") { IsNeeded = true }];
    readonly Dictionary<string, string> _places = new(StringComparer.Ordinal);
    readonly Dictionary<int, ManifestPack> _packs = [];
    readonly HashSet<int> _usedPacks = [];
    readonly List<int> _fileDirectories = [];

    TreePlan(StoredManifest manifest, PathSelection selection, string spoolDirectory) =>
        (Manifest, _selection, _runs) = (manifest, selection, new RunSpool(spoolDirectory));

    /// <summary>The manifest.</summary>
    public StoredManifest Manifest { get; }

    /// <summary>Every directory, each after the one it lies in; number 0 stands for /.</summary>
    public IReadOnlyList<TreePlanDirectory> Directories => _directories;

    /// <summary>By number of file: the number of its directory.</summary>
    public IReadOnlyList<int> FileDirectories => _fileDirectories;

    /// <summary>Packs that are needed, by index.</summary>
    public IReadOnlyCollection<int> UsedPacks => _usedPacks;

    /// <summary>What is taken out of a pack.</summary>
    public SpooledRun[] RunsOf(int pack) => _runs.Read(pack);

    /// <summary>What the manifest says of a pack.</summary>
    /// <exception cref="DamagedObjectException">Nothing.</exception>
    public ManifestPack Pack(int index) => _packs.TryGetValue(index, out var pack) ? pack : throw new DamagedObjectException($"pack {index} is used and not in the manifest's pack table");

    /// <summary>Reads the manifest.</summary>
    /// <param name="manifest">The manifest; whoever opened it disposes it.</param>
    /// <param name="selection">What of it is meant.</param>
    /// <param name="spoolDirectory">Where a temporary file may be made.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="DamagedObjectException">It makes no sense.</exception>
    public static TreePlan Read(StoredManifest manifest, PathSelection selection, string spoolDirectory, CancellationToken cancellation)
    {
        var plan = new TreePlan(manifest, selection, spoolDirectory);
        try
        {
            plan.ReadDirectories(cancellation);
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>The number of a directory.</summary>
    /// <exception cref="DamagedObjectException">The manifest has none of that path.</exception>
    public int NumberOf(string directory) => _numbers.TryGetValue(directory, out var number)
        ? number
        : throw new DamagedObjectException($"the manifest has something in {directory}, which is no directory of it");

    /// <summary>The directory and the name of a path of the manifest; the name with a zero at its end.</summary>
    public (int Directory, byte[] Name) PlaceOf(string path)
    {
        var slash = path.LastIndexOf('/');
        return (NumberOf(slash < 0 ? "" : path[..slash]), [.. EscapedBytes.ToBytes(path[(slash + 1)..]), 0]);
    }

    /// <summary>
    /// Reads the entries that are meant, in the manifest's order, each with the path it gets: a file of which only another name is meant gets that one. Also the directories that what is meant lies in.
    /// </summary>
    public IEnumerable<(ManifestEntry Entry, string Path)> Entries(CancellationToken cancellation)
    {
        using var reader = Manifest.Read();
        while (reader.ReadNext() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            if (line is not ManifestEntry entry)
            {
                continue;
            }

            if (_places.TryGetValue(entry.Path, out var place))
            {
                yield return (entry, place);
            }
            else if (entry.Kind == ManifestEntryKind.Directory ? _directories[_numbers[entry.Path]].IsNeeded : _selection.Holds(entry.Path, isDirectory: false)
                && !(entry.Kind == ManifestEntryKind.HardLink && _places.GetValueOrDefault(entry.Target!) == entry.Path))
            {
                yield return (entry, entry.Path);
            }
        }
    }

    /// <summary>The path that the first name of a file gets.</summary>
    public string FirstNameOf(string target) => _places.GetValueOrDefault(target, target);

    /// <summary>Notes what goes where; files are numbered as they come.</summary>
    /// <param name="entry">A regular file.</param>
    /// <param name="directory">Number of its directory.</param>
    /// <param name="isWanted">Whether its content is.</param>
    public void AddFile(ManifestEntry entry, int directory, bool isWanted)
    {
        var number = _fileDirectories.Count;
        _fileDirectories.Add(directory);
        foreach (var (offset, run) in TreePiece.Of(entry))
        {
            if (!isWanted || run.Pack < 0)
            {
                continue;
            }

            _usedPacks.Add(Pack(run.Pack).Index);
            _ = _runs.Add(run.Pack, new SpooledRun(offset, run.PackOffset, run.Length, number, run.Record, run.StoredLength, run.SliceOffset));
        }
    }

    public void Dispose() => _runs.Dispose();

    void ReadDirectories(CancellationToken cancellation)
    {
        using var reader = Manifest.Read();
        while (reader.ReadNext() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            switch (line)
            {
                case ManifestPack pack:
                    _packs[pack.Index] = pack;
                    break;
                case ManifestEntry { Kind: ManifestEntryKind.Directory } directory:
                    AddDirectory(directory);
                    break;
                case ManifestEntry entry:
                    TakeNote(entry);
                    break;
            }
        }
    }

    void AddDirectory(ManifestEntry entry)
    {
        var (parent, name) = PlaceOf(entry.Path);
        if (!_numbers.TryAdd(entry.Path, _directories.Count))
        {
            throw new DamagedObjectException($"the manifest has the directory {entry.Path} twice");
        }

        var directory = new TreePlanDirectory(parent, name, entry.Path) { IsMeant = _selection.Holds(entry.Path, isDirectory: true) };
        _directories.Add(directory);
        if (directory.IsMeant)
        {
            Need(_directories.Count - 1);
        }
    }

    void TakeNote(ManifestEntry entry)
    {
        // Directories come before what lies in them, and files before further names of them.
        var (directory, _) = PlaceOf(entry.Path);
        if (!_selection.Holds(entry.Path, isDirectory: false))
        {
            return;
        }

        Need(directory);
        if (entry.Kind == ManifestEntryKind.HardLink && !_selection.Holds(entry.Target!, isDirectory: false))
        {
            _places.TryAdd(entry.Target!, entry.Path);
        }
    }

    void Need(int directory)
    {
        for (; directory >= 0 && !_directories[directory].IsNeeded; directory = _directories[directory].Parent)
        {
            _directories[directory].IsNeeded = true;
        }
    }
}
