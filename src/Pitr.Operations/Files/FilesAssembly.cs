using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Backup;

namespace Pitr.Operations.Files;

/// <summary>What becomes of everything that is read of trees of files. Safe for several threads.</summary>
/// <param name="pipeline">Takes the records.</param>
/// <param name="basis">The backup whose unchanged files are not read again; null to read everything.</param>
sealed class FilesAssembly(PackPipeline pipeline, BackupBase? basis) : ManifestAssembly(pipeline)
{
    const int MostProblems = 100;

    readonly List<TreeProblem> _problems = [];
    int _directories;
    int _links;
    int _hardLinks;
    int _specials;
    int _sockets;
    int _unchanged;
    int _changed;
    int _vanished;
    int _unreadable;

    /// <summary>The backup whose unchanged files are not read again; null to read everything.</summary>
    public BackupBase? Basis => basis;

    /// <inheritdoc/>
    public override void Use(ManifestRun run) => basis!.Use(run);

    /// <inheritdoc/>
    protected override IEnumerable<ManifestPack> OlderPackLines() => basis?.UsedPackLines() ?? [];

    /// <summary>Takes what has no content.</summary>
    public void Add(string path, ManifestEntryKind kind, int mode, DateTimeOffset modified, FileMetadata metadata, string? target)
    {
        switch (kind)
        {
            case ManifestEntryKind.Directory:
                Interlocked.Increment(ref _directories);
                break;
            case ManifestEntryKind.Link:
                Interlocked.Increment(ref _links);
                break;
            case ManifestEntryKind.HardLink:
                Interlocked.Increment(ref _hardLinks);
                break;
            default:
                Interlocked.Increment(ref metadata.Special == FileMetadata.Socket ? ref _sockets : ref _specials);
                break;
        }

        var entry = new PendingEntry(path, kind, mode, modified, target) { Metadata = metadata };
        entry.Close();
        Add(entry, isFile: false);
    }

    /// <summary>A file was not read again.</summary>
    public void CountUnchanged() => Interlocked.Increment(ref _unchanged);

    /// <summary>A file changed while it was read, twice.</summary>
    public void Changed(string path) => Report(ref _changed, new TreeProblem("/" + path, "changed"));

    /// <summary>Something was gone when it was to be read.</summary>
    public void Vanished(string path) => Report(ref _vanished, new TreeProblem("/" + path, "vanished"));

    /// <summary>Something could not be read.</summary>
    public void Unreadable(string path, string reason) => Report(ref _unreadable, new TreeProblem("/" + path, "unreadable") { Reason = reason });

    void Report(ref int counter, TreeProblem problem)
    {
        Interlocked.Increment(ref counter);
        lock (_problems)
        {
            // What is missing comes before what is merely odd.
            if (_problems.Count == MostProblems && problem.What == "unreadable" && _problems.FindLastIndex(p => p.What != problem.What) is var odd and >= 0)
            {
                _problems.RemoveAt(odd);
            }

            if (_problems.Count < MostProblems)
            {
                _problems.Add(problem);
            }
        }
    }

    /// <summary>What was read.</summary>
    public (BackupContent Content, TreeRecord Tree) ToContent(IReadOnlyList<string> roots, IReadOnlyList<StoredPack> packs, StoredObject manifest, string dataKey) => (
        new BackupContent(Bytes, Files, [.. packs.Select(p => p.Object)], manifest, dataKey) { ReusedBytes = ReusedBytes, OlderPacks = basis?.UsedPacks() ?? [] },
        new TreeRecord
        {
            Roots = roots,
            Directories = _directories,
            Links = _links,
            HardLinks = _hardLinks,
            Specials = _specials,
            Sockets = _sockets,
            Unchanged = _unchanged,
            Changed = _changed,
            Vanished = _vanished,
            Unreadable = _unreadable,
            Problems = [.. _problems.OrderBy(p => p.Path, StringComparer.Ordinal)],
        });
}
