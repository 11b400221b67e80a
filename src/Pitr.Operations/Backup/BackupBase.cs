using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Wal;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>
/// The backup that a new one is compared with: which pages have not changed since, where they are stored, and how much of that the new one uses.
/// Safe for several threads.
/// </summary>
sealed class BackupBase : IDisposable
{
    // Behind every index that packs of a backup of its own can have.
    const int FirstIndex = 1 << 20;

    readonly ManifestFile _manifest;
    readonly Dictionary<int, int> _indices = [];
    readonly List<(ManifestPack Line, UsedPack Pack)> _packs = [];
    readonly long[] _used;
    readonly HashSet<uint> _databases;

    // What was read wrong then may be read right now: it must not live on in the backups that follow.
    readonly HashSet<string> _damaged;

    /// <param name="document">The backup.</param>
    /// <param name="manifest">Its manifest; disposed with this.</param>
    /// <param name="databases">The databases of the cluster now (<see cref="BackupDocument.Databases"/>).</param>
    /// <param name="lacking">Keys of packs that a repository does not hold any more.</param>
    /// <param name="deadSpace">Percent of a pack that may be dead. One with more is not used any more: what lives in it is copied once more, and it dies with the older backups.</param>
    /// <exception cref="DamagedObjectException">The manifest does not fit the document.</exception>
    public BackupBase(BackupDocument document, ManifestFile manifest, IReadOnlyDictionary<string, string> databases, IReadOnlySet<string> lacking, int deadSpace)
    {
        (Document, _manifest) = (document, manifest);
        _databases = [0, .. databases.Where(d => document.Databases.TryGetValue(d.Key, out var known) && known == d.Value).Select(d => uint.Parse(d.Key))];
        _damaged = [.. document.Damage.Select(page => page.Path)];
        var older = document.OlderPacks.ToDictionary(p => p.Key, StringComparer.Ordinal);
        foreach (var pack in manifest.Packs)
        {
            AddPack(pack, older, lacking, (100 - deadSpace) / 100.0);
        }

        _used = new long[_packs.Count];
    }

    /// <summary>Its catalog entry.</summary>
    public BackupDocument Document { get; }

    /// <summary>A page with a position before this one is as it was in the base.</summary>
    public Lsn StartLsn => Document.StartLsn;

    void AddPack(ManifestPack pack, Dictionary<string, UsedPack> older, IReadOnlySet<string> lacking, double leastUsed)
    {
        var key = BackupId.TryParse(pack.BackupId, out var id)
            ? RepositoryLayout.Pack(ServiceName.Parse(Document.Service), id, pack.Number)
            : throw new DamagedObjectException($"manifest names a pack of backup {pack.BackupId}: there is no such backup");
        var content = _manifest.ContentBytes.GetValueOrDefault(pack.Index);
        var known = pack.BackupId == Document.Id
            ? new UsedPack(key, pack.Size, pack.Sha256, content, content) { DataKey = Document.DataKeys[0] }
            : older.GetValueOrDefault(key) ?? throw new DamagedObjectException($"manifest names {key}, which the catalog entry does not");
        if (content >= known.ContentBytes * leastUsed && !lacking.Contains(key))
        {
            _indices.Add(pack.Index, FirstIndex + _packs.Count);
            _packs.Add((pack with { Index = FirstIndex + _packs.Count }, known));
        }
    }

    /// <summary>Looks up a relation's file; null when nothing of it may be used.</summary>
    public BaseFile? Find(string path, RelationFileName relation) =>
        _databases.Contains(relation.Database) && !_damaged.Contains(path) && _manifest.Find(path) is { } entry ? new BaseFile(entry, _indices) : null;

    /// <summary>Looks up a file of a tree, where nothing of it is compared page by page; null when it is not there.</summary>
    public ManifestEntry? FindEntry(string path) => _manifest.Find(path);

    /// <summary>Where a whole file is stored, with its zeros; null when a part of it must not be used.</summary>
    public IReadOnlyList<ManifestRun>? RunsOf(ManifestEntry entry) => new BaseFile(entry, _indices).FindAll(entry.Size);

    /// <summary>Counts a piece that is used.</summary>
    public void Use(ManifestRun run) => Interlocked.Add(ref _used[run.Pack - FirstIndex], run.Length);

    /// <summary>The lines of the packs in use for the new manifest.</summary>
    public IEnumerable<ManifestPack> UsedPackLines() => _packs.Where((_, i) => _used[i] > 0).Select(p => p.Line);

    /// <summary>The same for the catalog.</summary>
    public IReadOnlyList<UsedPack> UsedPacks() => [.. _packs.Select((p, i) => p.Pack with { UsedBytes = _used[i] }).Where(p => p.UsedBytes > 0)];

    /// <inheritdoc/>
    public void Dispose() => _manifest.Dispose();
}
