using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Verifies the backups of one repository: each entry, that everything it names is there, each manifest, and each pack once, however many backups use it. An expiry may run
/// beside it: what is gone is missing only if an entry that is still there names it.
/// </summary>
/// <param name="scope">The repository.</param>
/// <param name="documents">Reads documents.</param>
/// <param name="progress">Told what is done.</param>
sealed class BackupVerifier(VerifyScope scope, DocumentVerifier documents, VerifyProgress progress) : CatalogVerifier
{
    const int AtOnce = 8;
    const string BadEntry = "the backup was not verified any further; bring its entry back from another repository with `pitr repo get` and `pitr repo put --force`, or take a base backup";
    const string BadPart = "every backup that uses it is affected; delete it and let `pitr repo copy` bring it from a repository that has it whole, else take a base backup with --full now";

    static readonly Dictionary<string, string> Nothing = [];

    readonly Dictionary<string, ObjectListing> _listed = new(StringComparer.Ordinal);
    readonly Dictionary<string, PackFacts> _packs = new(StringComparer.Ordinal);
    readonly SortedDictionary<string, CatalogedBackup> _backups = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, byte> _entryKeys = new(StringComparer.Ordinal);
    readonly HashSet<DataKeyId> _keys = [];
    readonly HashSet<string> _missing = new(StringComparer.Ordinal);
    readonly SemaphoreSlim _asking = new(1, 1);
    HashSet<string>? _named;
    readonly Lock _lock = new();
    long _fresh;

    public override IReadOnlyDictionary<string, string> Digests => _backups.ToDictionary(b => b.Key, b => b.Value.Digest, StringComparer.Ordinal);

    public override IEnumerable<BackupDocument> BaseBackups => _backups.Values.Select(b => b.Document);

    public override int Packs => _packs.Count;

    public override long PacksFresh => _fresh;

    public override IReadOnlyCollection<DataKeyId> DataKeys => _keys;

    public override bool HasEntry(string id) => _entryKeys.ContainsKey(id);

    public override async Task ReadCatalogAsync(IReadOnlySet<string> systemIdentifiers, CancellationToken cancellation)
    {
        // Packs before entries: what came in between is looked for one by one, and what an entry names that is gone by then is seen.
        foreach (var prefix in new[] { RepositoryLayout.AllPacksPrefix(scope.Name), RepositoryLayout.BackupsPrefix(scope.Name) })
        {
            await foreach (var item in scope.Store.ListAsync(prefix, ListMode.Recursive, cancellation))
            {
                if (BackupObjects.IsPart(item.Key, out _, out _) || IsEntry(item.Key))
                {
                    _listed[item.Key] = item;
                }
                else
                {
                    Unknown++;
                }
            }
        }

        var entries = _listed.Keys.Where(IsEntry).ToArray();
        await Parallel.ForEachAsync(
            entries,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (key, token) => await ReadEntryAsync(key, systemIdentifiers, token));
        _fresh = _packs.Values.Count(p => p.Mark is not null && !p.IsDue && scope.IsFresh(p.Mark.Value));
        var named = _backups.Values.Select(b => b.Document.Manifest.Key).Concat(_packs.Keys).ToHashSet(StringComparer.Ordinal);
        var unnamed = _listed.Values.Where(item => !IsEntry(item.Key) && !named.Contains(item.Key)).ToArray();
        Unreferenced = (unnamed.Length, unnamed.Sum(item => item.Size));
    }

    public override async Task ReadContentAsync(CancellationToken cancellation)
    {
        Choose();
        using var references = new PackReferences(scope.Service.StateDirectory);
        var chosen = _packs.Values.Where(p => p.IsDue).ToArray();
        var manifests = _backups.Values.Where(b => b.NeedsManifest && b.ManifestMark is not null).ToArray();
        progress.Begin($"{scope.Store.Name}: reading backups", manifests.Sum(m => m.Document.Manifest.Size) + chosen.Sum(p => p.Size));
        var reading = new ManifestVerifier(scope, _packs, references);
        foreach (var backup in manifests)
        {
            cancellation.ThrowIfCancellationRequested();
            await ReadManifestAsync(reading, backup, cancellation);
        }

        var packs = new PackVerifier(scope, references, IsNamedAsync);
        await Parallel.ForEachAsync(chosen, new ParallelOptions { MaxDegreeOfParallelism = scope.Options.Jobs, CancellationToken = cancellation }, async (pack, token) =>
        {
            if (await packs.VerifyAsync(pack, BadPart, token))
            {
                scope.Remember(pack.Mark!.Value);
            }
        });
    }

    bool IsEntry(string key) => RepositoryKey.Parse(key) is { Kind: RepositoryKeyKind.Backup, Backup: { } id } && key == RepositoryLayout.Backup(scope.Name, id);

    void Choose()
    {
        var due = _packs.Values.Where(p => p.IsDue).OrderBy(p => p.Index).ToArray();
        var most = scope.Options.Sample ?? (scope.Options.Share is { } share ? (int)Math.Ceiling(due.Length * share) : due.Length);
        if (most < due.Length)
        {
            scope.Options.Random.Shuffle(due);
            foreach (var pack in due.AsSpan(most))
            {
                pack.IsDue = false;
            }
        }
    }

    async Task ReadEntryAsync(string key, IReadOnlySet<string> systemIdentifiers, CancellationToken cancellation)
    {
        var (json, isRight) = await documents.ReadAsync(key, BadEntry, cancellation);
        if (json is null)
        {
            // Expired in between.
            return;
        }

        _entryKeys[RepositoryKey.Parse(key).Backup!.Value.ToString()] = 0;
        if (!isRight)
        {
            return;
        }

        var entry = BackupDocument.Parse(json);
        if (EntryProblem(entry) is { } problem)
        {
            scope.Find(FindingKind.WrongContent, key, problem, BadEntry);
            return;
        }

        if (systemIdentifiers.Count > 0 && !systemIdentifiers.Contains(entry.SystemIdentifier))
        {
            scope.Find(
                FindingKind.Foreign,
                key,
                $"is of the cluster with system identifier {entry.SystemIdentifier}, the service is {string.Join(", ", systemIdentifiers)}",
                "somebody put it there past pitr; find out who can write to the repository");
            return;
        }

        var missing = Register(entry);
        if (missing.Count > 0 && !await AreLateAsync(missing, cancellation))
        {
            if (!await scope.Store.ExistsAsync(key, cancellation))
            {
                // Expired in between.
                _entryKeys.TryRemove(entry.Id, out _);
                return;
            }

            Report(entry, missing);
        }

        Register(entry, key);
    }

    // Takes the packs down, and gives what is not in the listing.
    List<StoredObject> Register(BackupDocument entry)
    {
        lock (_lock)
        {
            _keys.UnionWith(entry.DataKeys.Concat(entry.OlderPacks.Select(p => p.DataKey)).Select(text => DataKeyId.TryParse(text, out var id) ? id : default).Where(id => id != default));
            foreach (var item in BackupObjects.Of(entry).Where(item => item.Key != entry.Manifest.Key))
            {
                if (!_packs.TryGetValue(item.Key, out var pack))
                {
                    pack = new PackFacts(_packs.Count, item.Key, item.Size, item.Sha256, entry.Id);
                    _packs.Add(item.Key, pack);
                    Look(pack);
                }
                else if (pack.Size != item.Size || pack.Sha256 != item.Sha256)
                {
                    scope.Find(
                        FindingKind.WrongContent, RepositoryLayout.Backup(scope.Name, BackupId.Parse(entry.Id)),
                        $"says that {item.Key} has {item.Size} bytes and the SHA-256 {item.Sha256}, backup {pack.Backup} says {pack.Size} and {pack.Sha256}", BadEntry);
                }

                pack.IsDue |= IsInScope(entry) && pack.Mark is { } mark && !scope.IsFresh(mark);
            }

            return [.. BackupObjects.Of(entry).Where(item => !_listed.ContainsKey(item.Key))];
        }
    }

    void Look(PackFacts pack)
    {
        if (!_listed.TryGetValue(pack.Key, out var item))
        {
            return;
        }

        if (item.Size == pack.Size)
        {
            pack.Mark = scope.Verified.Mark(pack.Key, item.Size, item.Modified, pack.Sha256);
        }
        else
        {
            scope.Find(FindingKind.Damaged, pack.Key, $"has {item.Size} bytes, backup {pack.Backup} says {pack.Size}", BadPart);
        }
    }

    // A backup that was completed while this was listing. They are left to the next run, but for that they are there.
    async Task<bool> AreLateAsync(List<StoredObject> missing, CancellationToken cancellation)
    {
        foreach (var item in missing.ToArray())
        {
            if (await scope.Store.StatAsync(item.Key, cancellation) is not null)
            {
                missing.Remove(item);
            }
        }

        return missing.Count == 0;
    }

    void Report(BackupDocument entry, List<StoredObject> missing)
    {
        foreach (var item in missing.Where(item => !scope.IsOwed(item.Key)))
        {
            lock (_lock)
            {
                // Once, whoever else needs it.
                if (_missing.Add(item.Key))
                {
                    scope.Find(FindingKind.Missing, item.Key, $"is missing, and backup {entry.Id} needs it", BadPart);
                }
            }
        }
    }

    void Register(BackupDocument entry, string key)
    {
        lock (_lock)
        {
            ulong? mark = null;
            if (_listed.TryGetValue(entry.Manifest.Key, out var manifest))
            {
                mark = scope.Verified.Mark(
                    manifest.Key, manifest.Size, manifest.Modified, string.Create(CultureInfo.InvariantCulture, $"{entry.Manifest.Sha256} {_listed[key].Size} {_listed[key].Modified.UtcTicks}"));
            }

            var needs = IsInScope(entry) && mark is { } known && (!scope.IsFresh(known) || entry.Packs.Select(p => p.Key).Concat(entry.OlderPacks.Select(p => p.Key)).Any(k => _packs[k].IsDue));
            _backups[entry.Id] = new CatalogedBackup(
                entry with { Packs = [], OlderPacks = [], Settings = Nothing, Databases = Nothing, Damage = [] }, Digest(entry), mark, needs);
        }
    }

    async Task ReadManifestAsync(ManifestVerifier reading, CatalogedBackup backup, CancellationToken cancellation)
    {
        var id = BackupId.Parse(backup.Document.Id);
        // Once more, for the packs: all entries together would need too much memory.
        if (await scope.Store.TryReadAllAsync(RepositoryLayout.Backup(scope.Name, id), cancellation) is not { } json)
        {
            return;
        }

        try
        {
            if (await reading.VerifyAsync(BackupDocument.Parse(json), BadPart, cancellation))
            {
                scope.Remember(backup.ManifestMark!.Value);
            }
        }
        catch (ObjectNotFoundException)
        {
            if (await scope.Store.ExistsAsync(RepositoryLayout.Backup(scope.Name, id), cancellation))
            {
                scope.Find(FindingKind.Missing, backup.Document.Manifest.Key, $"is missing, and backup {id} needs it", BadPart);
            }
        }
    }

    // Asked only when a pack vanished after it was listed: somebody expires backups.
    async Task<bool> IsNamedAsync(string pack, CancellationToken cancellation)
    {
        await _asking.WaitAsync(cancellation);
        try
        {
            if (_named?.Contains(pack) ?? true)
            {
                _named = await NamedAsync(cancellation);
            }

            return _named.Contains(pack);
        }
        finally
        {
            _asking.Release();
        }
    }

    async Task<HashSet<string>> NamedAsync(CancellationToken cancellation)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in _backups.Keys)
        {
            if (await scope.Store.TryReadAllAsync(RepositoryLayout.Backup(scope.Name, BackupId.Parse(id)), cancellation) is { } json)
            {
                named.UnionWith(BackupObjects.Of(BackupDocument.Parse(json)).Select(item => item.Key));
            }
        }

        return named;
    }

    bool IsInScope(BackupDocument entry) =>
        (scope.Options.SinceTime is not { } time || entry.StopTime >= time) && (scope.Options.SinceLsn is not { } lsn || entry.StopLsn >= lsn);

    string? EntryProblem(BackupDocument entry)
    {
        if (entry.Kind != scope.Service.Kind)
        {
            return $"is of kind {entry.Kind}, the service is {scope.Service.Kind}";
        }

        return (scope.Service is PostgresService ? WalProblem(entry) : null)
            ?? (entry.Manifest.Key == RepositoryLayout.Manifest(scope.Name, BackupId.Parse(entry.Id)) ? null : $"names {entry.Manifest.Key} as its manifest");
    }

    static string? WalProblem(BackupDocument entry)
    {
        if (!WalSegmentSize.IsValid(entry.WalSegmentSize) || !WalSegmentName.TryParse(entry.StartWal, out var start) || !WalSegmentName.TryParse(entry.StopWal, out _))
        {
            return $"names WAL that there cannot be: {entry.StartWal} to {entry.StopWal}, segments of {entry.WalSegmentSize} bytes";
        }

        if (start != WalSegmentName.FromLsn(new Timeline(entry.Timeline), entry.StartLsn, WalSegmentSize.From(entry.WalSegmentSize)))
        {
            return $"says that WAL begins at {entry.StartLsn} of timeline {entry.Timeline}, and in {entry.StartWal}";
        }

        return null;
    }

    // Pins may differ.
    static string Digest(BackupDocument entry) => Convert.ToHexStringLower(SHA256.HashData((entry with { Pinned = null, PinnedUntil = null }).ToJson()));
}
