using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Postgres.Pages;

namespace Pitr.Operations.Backup;

/// <summary>
/// Interrupted backups from which a new one takes over pages that have not changed since they were copied; how many of them counts. Safe for several threads.
/// </summary>
sealed class InterruptedBackups : IDisposable
{
    /// <summary>Behind every index that packs of complete backups have in a manifest.</summary>
    public const int FirstIndex = 1 << 24;

    readonly List<Source> _sources = [];
    readonly List<(Source Source, JournaledPack Pack)> _packs = [];
    readonly ServiceName _service;
    readonly long[] _used;

    /// <param name="service">Whose backups.</param>
    /// <param name="backups">All with packs that may be used; disposed with this.</param>
    /// <param name="databases">The databases of the cluster now.</param>
    public InterruptedBackups(ServiceName service, IEnumerable<InterruptedBackup> backups, IReadOnlyDictionary<string, string> databases)
    {
        _service = service;
        // The newest knows what the older ones have, and has copied what changed since.
        foreach (var backup in backups.OrderByDescending(b => b.StartLsn).ThenByDescending(b => b.Id))
        {
            var source = new Source(backup, [0, .. databases.Where(d => backup.Header.Databases.TryGetValue(d.Key, out var known) && known == d.Value).Select(d => uint.Parse(d.Key))], []);
            foreach (var pack in backup.Packs.Values.OrderBy(p => p.Number))
            {
                source.Indices.Add(pack.Number, FirstIndex + _packs.Count);
                _packs.Add((source, pack));
            }

            _sources.Add(source);
        }

        _used = new long[_packs.Count];
    }

    /// <summary>When the last of them was interrupted.</summary>
    public DateTimeOffset InterruptedAt => _sources.Max(source => source.Backup.InterruptedAt);

    /// <summary>Bytes of relations they have stored, whether those have changed since or not.</summary>
    public long Bytes => _sources.Sum(source => source.Backup.Bytes);

    /// <summary>Their ids, the newest first.</summary>
    public IReadOnlyList<BackupId> Ids => [.. _sources.Select(source => source.Backup.Id)];

    /// <summary>Looks up a relation's file; null when nothing of it may be used.</summary>
    public InterruptedFile? Find(string path, RelationFileName relation)
    {
        var copies = _sources.Where(source => source.Databases.Contains(relation.Database))
            .Select(source => (source.Backup.StartLsn, Entry: source.Backup.Find(path), source.Indices))
            .Where(copy => copy.Entry is not null)
            .Select(copy => (copy.StartLsn, new BaseFile(copy.Entry!, copy.Indices)))
            .ToArray();
        return copies.Length == 0 ? null : new InterruptedFile(copies);
    }

    /// <summary>Counts a piece that is used.</summary>
    public void Use(ManifestRun run) => Interlocked.Add(ref _used[run.Pack - FirstIndex], run.Length);

    /// <summary>The lines of the packs in use for the new manifest.</summary>
    public IEnumerable<ManifestPack> UsedPackLines() => _packs
        .Select((p, i) => new ManifestPack(FirstIndex + i, p.Source.Backup.Id.ToString(), p.Pack.Number, p.Pack.Size, p.Pack.Sha256) { Salt = p.Pack.Salt })
        .Where(line => _used[line.Index - FirstIndex] > 0);

    /// <summary>The same for the catalog.</summary>
    public IReadOnlyList<UsedPack> UsedPacks() =>
    [
        .. _packs
            .Select((p, i) => new UsedPack(RepositoryLayout.Pack(_service, p.Source.Backup.Id, p.Pack.Number), p.Pack.Size, p.Pack.Sha256, p.Pack.ContentBytes, _used[i]) { DataKey = p.Source.Backup.Header.DataKey })
            .Where(pack => pack.UsedBytes > 0),
    ];

    /// <summary>What came from each of them, for the catalog.</summary>
    public IReadOnlyList<ResumedBackup> Resumed() =>
    [
        .. _packs.Select((p, i) => (p.Source.Backup.Id, Used: _used[i]))
            .GroupBy(p => p.Id, p => p.Used)
            .Select(group => new ResumedBackup(group.Key.ToString(), group.Sum()))
            .Where(backup => backup.Bytes > 0),
    ];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var source in _sources)
        {
            source.Backup.Dispose();
        }
    }

    sealed record Source(InterruptedBackup Backup, HashSet<uint> Databases, Dictionary<int, int> Indices);
}
