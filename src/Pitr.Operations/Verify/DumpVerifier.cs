using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Operations.Repositories;
using Pitr.Operations.Retention;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Verifies the dumps of one repository: each entry, that everything it names is there and nothing else beside it, manifest and digests, and each part. An expiry may run beside it:
/// what is gone is missing only if an entry that is still there names it.
/// </summary>
/// <param name="scope">The repository.</param>
/// <param name="documents">Reads documents.</param>
/// <param name="progress">Told what is done.</param>
sealed class DumpVerifier(VerifyScope scope, DocumentVerifier documents, VerifyProgress progress) : CatalogVerifier
{
    const int AtOnce = 8;
    const string BadEntry = "the dump was not verified any further; bring its entry back from another repository with `pitr repo get` and `pitr repo put --force`, or take another one";
    const string BadPart = "what is in it cannot be restored from here; delete it and let `pitr repo copy` bring it from a repository that has it whole, else take a backup now";

    readonly CatalogPlace _place = CatalogPlace.Of(scope.Service);
    readonly Dictionary<string, ObjectListing> _listed = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, CatalogedDump> _dumps = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, string> _digests = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, byte> _entryKeys = new(StringComparer.Ordinal);
    readonly HashSet<DataKeyId> _keys = [];
    long _fresh;

    public override IReadOnlyDictionary<string, string> Digests => _digests;

    public override int Packs => _dumps.Values.Sum(dump => dump.Parts.Count);

    public override long PacksFresh => _fresh;

    public override IReadOnlyCollection<DataKeyId> DataKeys => _keys;

    public override bool HasEntry(string id) => _entryKeys.ContainsKey(id);

    public override async Task ReadCatalogAsync(IReadOnlySet<string> systemIdentifiers, CancellationToken cancellation)
    {
        await foreach (var item in scope.Store.ListAsync(RepositoryLayout.DumpsPrefix(scope.Name), ListMode.Recursive, cancellation))
        {
            if (_place.IsPart(item.Key, out _) || _place.IsEntry(item.Key, out _))
            {
                _listed[item.Key] = item;
            }
            else
            {
                Unknown++;
            }
        }

        await Parallel.ForEachAsync(
            _listed.Keys.Where(key => _place.IsEntry(key, out _)).ToArray(),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (key, token) => await ReadEntryAsync(key, token));
        FindUnnamed();
        Choose();
    }

    public override async Task ReadContentAsync(CancellationToken cancellation)
    {
        var dumps = _dumps.Values.Where(dump => IsInScope(dump.Document)).OrderBy(dump => dump.Document.Id, StringComparer.Ordinal).ToArray();
        progress.Begin($"{scope.Store.Name}: reading backups", dumps.Sum(dump => dump.Parts.Where(p => p.IsDue).Sum(p => p.Size)));
        var reading = new DumpContentVerifier(scope, BadPart);
        foreach (var dump in dumps)
        {
            cancellation.ThrowIfCancellationRequested();
            await IfStillThereAsync(dump, () => ReadManifestAsync(reading, dump, cancellation), cancellation);
        }

        await Parallel.ForEachAsync(
            dumps.SelectMany(dump => dump.Document.Streams.Select((stream, index) => (Dump: dump, Stream: stream, Mark: dump.Streams[index]))),
            new ParallelOptions { MaxDegreeOfParallelism = scope.Options.Jobs, CancellationToken = cancellation },
            async (item, token) => await IfStillThereAsync(item.Dump, () => reading.ReadStreamAsync(item.Dump, item.Stream, item.Mark, token), token));
    }

    async Task ReadManifestAsync(DumpContentVerifier reading, CatalogedDump dump, CancellationToken cancellation)
    {
        if (dump.Mark is { } mark && !scope.IsFresh(mark) && await reading.ReadManifestAsync(dump.Document, cancellation))
        {
            scope.Remember(mark);
        }
    }

    async Task ReadEntryAsync(string key, CancellationToken cancellation)
    {
        var (json, isRight) = await documents.ReadAsync(key, BadEntry, cancellation);
        if (json is null)
        {
            // Expired in between.
            return;
        }

        _place.IsEntry(key, out var id);
        _entryKeys[id.ToString()] = 0;
        if (!isRight)
        {
            return;
        }

        var entry = DumpDocument.Parse(json);
        if (EntryProblem(entry, id) is { } problem)
        {
            scope.Find(FindingKind.WrongContent, key, problem, BadEntry);
            return;
        }

        var missing = DumpObjects.Of(entry).Where(item => !_listed.ContainsKey(item.Key)).ToList();
        foreach (var item in missing.ToArray())
        {
            // Of a dump that was completed while this was listing. It is left to the next run, but for that it is there.
            if (await scope.Store.StatAsync(item.Key, cancellation) is not null)
            {
                missing.Remove(item);
            }
        }

        if (missing.Count > 0 && !await scope.Store.ExistsAsync(key, cancellation))
        {
            _entryKeys.TryRemove(entry.Id, out _);
            return;
        }

        foreach (var item in missing.Where(item => !scope.IsOwed(item.Key)))
        {
            scope.Find(FindingKind.Missing, item.Key, $"is missing, and backup {entry.Id} needs it", BadPart);
        }

        Register(entry, key);
    }

    void Register(DumpDocument entry, string key)
    {
        lock (_keys)
        {
            _keys.UnionWith(entry.DataKeys.Select(text => DataKeyId.TryParse(text, out var id) ? id : default).Where(id => id != default));
        }

        var parts = entry.Parts.Select(part => new DumpPartFacts(part.Key, part.Size, part.Sha256) { Mark = Mark(entry.Id, part, part.Sha256) }).ToArray();
        var about = string.Create(CultureInfo.InvariantCulture, $"{_listed[key].Size} {_listed[key].Modified.UtcTicks}");
        var (manifest, sums) = (Mark(entry.Id, entry.Manifest, $"{entry.Manifest.Sha256} {about}"), Mark(entry.Id, entry.Sums, $"{entry.Sums.Sha256} {about}"));
        _digests[entry.Id] = Convert.ToHexStringLower(SHA256.HashData(((ICatalogEntry)entry).WithPin(null, null).ToJson()));
        _dumps[entry.Id] = new CatalogedDump(
            entry,
            parts,
            [.. entry.Streams.Select(stream => scope.Verified.Mark(
                $"{key}\n{stream.Name}", stream.Bytes, default, string.Join(' ', parts.AsSpan(stream.FirstPart, stream.PartCount).ToArray().Select(p => $"{p.Mark}").Append(stream.Sha256))))],
            manifest is { } one && sums is { } other ? one ^ other : null);
    }

    ulong? Mark(string dump, StoredObject item, string expected)
    {
        if (!_listed.TryGetValue(item.Key, out var found))
        {
            return null;
        }

        if (found.Size != item.Size)
        {
            scope.Find(FindingKind.Damaged, item.Key, $"has {found.Size} bytes, backup {dump} says {item.Size}", BadPart);
            return null;
        }

        return scope.Verified.Mark(item.Key, found.Size, found.Modified, expected);
    }

    // A dump that runs has no entry yet, and nothing is added to one that has.
    void FindUnnamed()
    {
        var named = _dumps.Values.SelectMany(dump => DumpObjects.Of(dump.Document)).Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
        var unnamed = _listed.Values.Where(item => !named.Contains(item.Key) && !_place.IsEntry(item.Key, out _)).ToArray();
        foreach (var item in unnamed.Where(item => _place.IsPart(item.Key, out var id) && _dumps.ContainsKey(id.ToString())))
        {
            scope.Find(FindingKind.WrongContent, item.Key, "lies among a dump whose entry does not name it", "nothing reads it, and `pitr repo gc` removes it after a day; find out who can write to the repository");
        }

        Unreferenced = (unnamed.Length, unnamed.Sum(item => item.Size));
    }

    // A stream is right as a whole when all of its parts were read in one run. A sample of parts is never that.
    void Choose()
    {
        var isSampled = scope.Options.Sample is not null || scope.Options.Share is not null;
        foreach (var dump in _dumps.Values.Where(dump => IsInScope(dump.Document)))
        {
            foreach (var (stream, index) in dump.Document.Streams.Select((stream, index) => (stream, index)))
            {
                var isWhole = isSampled || scope.IsFresh(dump.Streams[index]);
                foreach (var part in dump.Parts.Skip(stream.FirstPart).Take(stream.PartCount).Where(part => part.Mark is not null))
                {
                    part.IsDue = !isWhole || !scope.IsFresh(part.Mark!.Value);
                }
            }
        }

        var due = _dumps.Values.SelectMany(dump => dump.Parts).Where(part => part.IsDue).OrderBy(part => part.Key, StringComparer.Ordinal).ToArray();
        _fresh = _dumps.Values.SelectMany(dump => dump.Parts).Count(part => part.Mark is { } mark && !part.IsDue && scope.IsFresh(mark));
        var most = scope.Options.Sample ?? (scope.Options.Share is { } share ? (int)Math.Ceiling(due.Length * share) : due.Length);
        if (most < due.Length)
        {
            scope.Options.Random.Shuffle(due);
            foreach (var part in due.AsSpan(most))
            {
                part.IsDue = false;
            }
        }
    }

    async Task IfStillThereAsync(CatalogedDump dump, Func<Task> read, CancellationToken cancellation)
    {
        try
        {
            await read();
        }
        catch (ObjectNotFoundException e)
        {
            if (await scope.Store.ExistsAsync(_place.EntryKey(BackupId.Parse(dump.Document.Id)), cancellation))
            {
                scope.Find(FindingKind.Missing, e.Key!, $"was listed, and is not there; backup {dump.Document.Id} needs it", "look at who deletes objects in the repository");
            }
        }
    }

    bool IsInScope(DumpDocument entry) => scope.Options.SinceTime is not { } time || entry.Finished >= time;

    string? EntryProblem(DumpDocument entry, BackupId id)
    {
        if (entry.Kind != scope.Service.Kind)
        {
            return $"is of a service of kind {entry.Kind}, not {scope.Service.Kind}";
        }

        string[] named = [.. entry.Parts.Select(part => part.Key), entry.Manifest.Key, entry.Sums.Key];
        string[] right = [.. entry.Parts.Select((_, number) => RepositoryLayout.DumpPart(scope.Name, id, number)), RepositoryLayout.DumpManifest(scope.Name, id), RepositoryLayout.DumpSums(scope.Name, id)];
        if (named.Zip(right).FirstOrDefault(pair => pair.First != pair.Second) is { First: { } wrong, Second: var place })
        {
            return $"names {wrong} where {place} belongs";
        }

        var (bytes, stored) = (entry.Streams.Sum(s => s.Bytes), DumpObjects.Of(entry).Sum(item => item.Size));
        return bytes != entry.Bytes || stored != entry.StoredBytes ? $"says {entry.Bytes} bytes, stored as {entry.StoredBytes}; what it names are {bytes}, stored as {stored}" : null;
    }
}
