using Pitr.Format;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Restore;

/// <summary>
/// What a manifest asks for, turned round: per pack, which record goes where. Names no place on disk yet, and is small: what grows with the size
/// of the database lies in a <see cref="RunSpool"/>, and what grows with the number of files in a <see cref="FileTable"/>.
/// </summary>
sealed class RestoreContent : IDisposable
{
    /// <summary>Pack number under which runs of zeros are kept when files from before may be kept.</summary>
    public const int Zeros = -1;

    const string ControlFilePath = "global/pg_control";
    const string TablespaceMapPath = "tablespace_map";
    const string LinkDirectory = "pg_tblspc";

    readonly IReadOnlySet<int> _written;
    readonly bool _keepsZeros;
    readonly RunSpool _runs;
    readonly Dictionary<int, ManifestPack> _packs = [];
    readonly HashSet<int> _usedPacks = [];
    readonly Dictionary<string, int> _directoryNumbers = new(StringComparer.Ordinal) { [""] = 0 };
    readonly List<ContentDirectory> _directories = [new ContentDirectory(0, "", -1, 0x1C0)];
    readonly List<RestoreTablespace> _tablespaces = [];
    readonly List<long> _bytes = [0];

    /// <param name="spoolDirectory">Where a temporary file may be made.</param>
    /// <param name="keepsZeros">Also keeps runs of zeros, which must be written where files from before are kept.</param>
    /// <param name="written">Packs that an earlier, interrupted restore has written whole, by index.</param>
    public RestoreContent(string spoolDirectory, bool keepsZeros, IReadOnlySet<int> written)
    {
        _runs = new RunSpool(spoolDirectory);
        _keepsZeros = keepsZeros;
        _written = written;
    }

    /// <summary>The files.</summary>
    public FileTable Files { get; } = new();

    /// <summary>Every directory, each after the one it lies in; number 0 is the data directory.</summary>
    public IReadOnlyList<ContentDirectory> Directories => _directories;

    /// <summary>The tablespaces in the order of their places.</summary>
    public IReadOnlyList<RestoreTablespace> Tablespaces => _tablespaces;

    /// <summary>Bytes of the files of each place, the data directory first.</summary>
    public IReadOnlyList<long> Bytes => _bytes;

    /// <summary>Number of pg_control; -1 as long as there is none.</summary>
    public int ControlFile { get; private set; } = -1;

    /// <summary>Packs that are needed, by index.</summary>
    public IReadOnlyCollection<int> UsedPacks => _usedPacks;

    /// <summary>Packs that an earlier, interrupted restore has written whole, by index.</summary>
    public IReadOnlySet<int> WrittenPacks => _written;

    /// <summary>Names of the directories right in a tablespace: one, after the version of PostgreSQL.</summary>
    public IEnumerable<string> VersionDirectories(int place) => _directories
        .Where(d => d.Place == place && d.Path.Length > 0 && !d.Path.Contains('/'))
        .Select(d => d.Path);

    /// <summary>What the manifest says of a pack.</summary>
    /// <exception cref="DamagedObjectException">The manifest uses the pack and does not describe it.</exception>
    public ManifestPack Pack(int index) => TryPack(index) ?? throw new DamagedObjectException($"pack {index} is used and not in the manifest's pack table");

    /// <summary>What the manifest says of a pack; null when it does not describe it.</summary>
    public ManifestPack? TryPack(int index) => _packs.GetValueOrDefault(index);

    /// <summary>What is taken out of a pack.</summary>
    public SpooledRun[] RunsOf(int pack) => _runs.Read(pack);

    /// <summary>Takes a pack's line of the manifest.</summary>
    public void Add(ManifestPack pack) => _packs[pack.Index] = pack;

    /// <summary>Takes an entry of the manifest, whose reader has refused paths that lead out of the data directory.</summary>
    /// <exception cref="DamagedObjectException">It lies in no directory of the manifest, or a directory is there twice.</exception>
    /// <exception cref="ImpossiblePlanException">A link that is not a tablespace's.</exception>
    public void Add(ManifestEntry entry)
    {
        var slash = entry.Path.LastIndexOf('/');
        if (!_directoryNumbers.TryGetValue(slash < 0 ? "" : entry.Path[..slash], out var parent))
        {
            throw new DamagedObjectException($"the manifest has {entry.Path} before the directory it lies in");
        }

        var name = entry.Path.AsSpan(slash + 1);
        switch (entry.Kind)
        {
            case ManifestEntryKind.Directory:
                var above = _directories[parent];
                AddDirectory(entry.Path, new ContentDirectory(above.Place, Path.Join(above.Path, name), parent, entry.Mode));
                break;
            case ManifestEntryKind.Link:
                AddTablespace(entry, slash, name);
                break;
            case ManifestEntryKind.File when entry.Path != TablespaceMapPath:
                AddFile(entry, parent, name);
                break;
        }
    }

    public void Dispose() => _runs.Dispose();

    void AddDirectory(string path, ContentDirectory directory)
    {
        if (!_directoryNumbers.TryAdd(path, _directories.Count))
        {
            throw new DamagedObjectException($"the manifest has the directory {path} twice");
        }

        _directories.Add(directory);
    }

    void AddTablespace(ManifestEntry entry, int slash, ReadOnlySpan<char> name)
    {
        if (slash < 0 || entry.Path[..slash] != LinkDirectory || name.ContainsAnyExceptInRange('0', '9'))
        {
            throw new ImpossiblePlanException(
                $"{entry.Path} of the backup is a link to {entry.Target}; links other than those of tablespaces are not restored",
                "nothing outside the target directory was touched");
        }

        _tablespaces.Add(new RestoreTablespace(name.ToString(), entry.Target!));
        _bytes.Add(0);
        AddDirectory(entry.Path, new ContentDirectory(_tablespaces.Count, "", -1, 0x1C0));
    }

    void AddFile(ManifestEntry entry, int directory, ReadOnlySpan<char> name)
    {
        var file = Files.Add(directory, name, entry);
        ref var row = ref Files[file];
        _bytes[_directories[directory].Place] += entry.Size;
        var isControlFile = entry.Path == ControlFilePath;
        var hasStored = false;
        var offset = 0L;
        foreach (var run in entry.Runs)
        {
            if (run.Pack >= 0)
            {
                hasStored = true;
                AddRun(ref row, file, offset, run);
            }

            offset += run.Length;
        }

        ControlFile = isControlFile && hasStored ? file : ControlFile;
        // pg_control is always made anew, as the last file of all.
        if (hasStored && _keepsZeros && !isControlFile)
        {
            AddZeros(ref row, file, entry);
        }
    }

    void AddRun(ref FileRow row, int file, long offset, ManifestRun run)
    {
        if (_written.Contains(run.Pack))
        {
            row.IsBegun = true;
            return;
        }

        _usedPacks.Add(run.Pack);
        if (_runs.Add(run.Pack, new SpooledRun(offset, run.PackOffset, run.Length, file, run.Record, run.StoredLength, run.SliceOffset)))
        {
            row.Outstanding++;
        }
    }

    void AddZeros(ref FileRow row, int file, ManifestEntry entry)
    {
        var offset = 0L;
        foreach (var run in entry.Runs)
        {
            if (run.IsZeros && _runs.Add(Zeros, new SpooledRun(offset, 0, run.Length, file, 0, 0, 0)))
            {
                row.Outstanding++;
            }

            offset += run.Length;
        }
    }
}
