using System.Globalization;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Restore;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>Reads manifests of one repository: each opens, is whole and this backup's, and says the same as the entry. For one thread.</summary>
/// <param name="scope">The repository.</param>
/// <param name="packs">What entries say of packs, by key.</param>
/// <param name="references">Told what is taken out of the packs that are read.</param>
sealed class ManifestVerifier(VerifyScope scope, IReadOnlyDictionary<string, PackFacts> packs, PackReferences references)
{
    const string ControlFile = "global/pg_control";
    const string BadEntry = "the manifest is sealed and the entry is not: believe the manifest. `pitr repo copy` brings the entry from a repository that has it right";

    /// <summary>Reads one.</summary>
    /// <param name="entry">The backup's entry.</param>
    /// <param name="hint">What to do when the manifest is damaged.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Whether it is right.</returns>
    /// <exception cref="ObjectNotFoundException">It is not there.</exception>
    /// <exception cref="StorageException">The repository did not give it.</exception>
    public async Task<bool> VerifyAsync(BackupDocument entry, string hint, CancellationToken cancellation)
    {
        scope.CountManifest();
        var key = entry.Manifest.Key;
        try
        {
            await using var stored = new HashedStream(await scope.Store.OpenReadAsync(key, null, cancellation), scope.CountBytes);
            var header = await SealedObjectReader.ReadHeaderAsync(stored, cancellation);
            header.RequireKind(SealedObjectKind.Manifest);
            using var opened = new SealedObjectReader(stored, header, await scope.Service.OpeningKeys.GetAsync(header.KeyId, cancellation), leaveOpen: true);
            using var manifest = new ManifestReader(opened);
            if (manifest.Header.Service != entry.Service || manifest.Header.BackupId != entry.Id)
            {
                scope.Find(FindingKind.WrongContent, key, $"is the manifest of backup {manifest.Header.BackupId} of {manifest.Header.Service}", hint);
                return false;
            }

            var problem = Compare(manifest.Header, entry) ?? Read(manifest, entry, cancellation);
            problem ??= stored.Sha256() != entry.Manifest.Sha256 ? $"gives {entry.Manifest.Sha256} as the manifest's SHA-256, which is {stored.Sha256()}" : null;
            if (problem is not null)
            {
                scope.Find(FindingKind.WrongContent, RepositoryLayout.Backup(scope.Name, BackupId.Parse(entry.Id)), problem, BadEntry);
            }

            return problem is null;
        }
        catch (Exception e) when (e is DamagedObjectException or EndOfStreamException or UnsupportedFormatException)
        {
            scope.Find(FindingKind.Damaged, key, e.Message, hint);
        }
        catch (Exception e) when (e is KeyUnavailableException or DamagedRepositoryException)
        {
            scope.Find(FindingKind.NoKey, key, e.Message, (e as OperationException)?.Hint);
        }
        finally
        {
            references.Compact();
        }

        return false;
    }

    static string? Compare(ManifestHeader header, BackupDocument entry)
    {
        if (header.Kind != entry.Kind)
        {
            return $"says that it is of kind {entry.Kind}, its manifest says {header.Kind}";
        }

        var says = (entry.SystemIdentifier, entry.Timeline, entry.StartLsn, entry.PageSize, entry.ChecksumVersion);
        var isSo = (header.SystemIdentifier.ToString(CultureInfo.InvariantCulture), header.Timeline, header.StartLsn, header.PageSize, header.ChecksumVersion);
        return says == isSo ? null : $"says {says} (system identifier, timeline, start, page size, checksum version), its manifest says {isSo}";
    }

    // What is wrong with the entry; whatever is wrong with the manifest itself is thrown.
    string? Read(ManifestReader manifest, BackupDocument entry, CancellationToken cancellation)
    {
        var named = BackupObjects.Of(entry).Where(item => item.Key != entry.Manifest.Key).ToDictionary(item => item.Key, StringComparer.Ordinal);
        var indexes = new Dictionary<int, PackFacts>();
        // Pack lines come last, and until then nobody knows which runs matter: a list of them would grow with the database.
        using var runs = named.Keys.Any(key => packs.TryGetValue(key, out var pack) && pack.IsDue) ? new RunSpool(scope.Service.StateDirectory) : null;
        string? problem = null;
        var hasControlFile = false;
        var bytes = 0L;
        while (manifest.ReadNext() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            if (line is ManifestPack pack)
            {
                problem ??= Compare(pack, named, indexes);
                continue;
            }

            var file = (ManifestEntry)line;
            hasControlFile |= file.Path == ControlFile && file.Runs.Any(run => !run.IsZeros);
            bytes += file.Size;
            foreach (var run in file.Runs.Where(run => !run.IsZeros))
            {
                runs?.Add(run.Pack, PackReferences.Part(run));
            }
        }

        foreach (var (index, pack) in indexes.Where(i => i.Value.IsDue))
        {
            foreach (var run in runs?.Read(index) ?? [])
            {
                references.Add(pack.Index, run);
            }
        }

        if (!hasControlFile && entry.Tree is null)
        {
            throw new DamagedObjectException($"the manifest has no {ControlFile}");
        }

        return problem ?? (named.Count > 0 ? $"names {named.Count} packs that its manifest does not, {named.Keys.Order(StringComparer.Ordinal).First()} for one" : null)
            ?? (bytes != entry.DatabaseBytes ? $"says that its files have {entry.DatabaseBytes} bytes, its manifest says {bytes}" : null);
    }

    string? Compare(ManifestPack pack, Dictionary<string, StoredObject> named, Dictionary<int, PackFacts> indexes)
    {
        if (!BackupId.TryParse(pack.BackupId, out var backup) || pack.Number > 999_999)
        {
            throw new DamagedObjectException($"the manifest names pack {pack.Number} of backup {pack.BackupId}: there is no such pack");
        }

        var key = RepositoryLayout.Pack(scope.Name, backup, pack.Number);
        if (!named.Remove(key, out var says) || says.Size != pack.Size || says.Sha256 != pack.Sha256)
        {
            return says is null ? $"does not name {key}, which its manifest needs" : $"says that {key} has {says.Size} bytes and the SHA-256 {says.Sha256}, its manifest says {pack.Size} and {pack.Sha256}";
        }

        if (packs.TryGetValue(key, out var facts))
        {
            indexes[pack.Index] = facts;
            facts.Salt ??= pack.Salt;
        }

        return null;
    }
}
