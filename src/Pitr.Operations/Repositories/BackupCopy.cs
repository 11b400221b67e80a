using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Operations.Repositories;

/// <summary>Copies one backup: everything it needs first, its entry last, because the entry is the backup.</summary>
sealed class BackupCopy(ObjectTransfer transfer, ServiceName service, BackupId id)
{
    BackupDocument? _entry;

    public BackupId Id => id;

    /// <summary>Whether the source has an entry of it; without one it is a backup that runs, or one that failed.</summary>
    /// <returns>False also when the entry is damaged, which is remembered as a failure.</returns>
    public async Task<bool> ReadEntryAsync(CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service, id);
        try
        {
            _entry = await transfer.Source.TryReadAllAsync(key, cancellation) is { } json ? BackupDocument.Parse(json) : null;
        }
        catch (DamagedObjectException e)
        {
            transfer.Fail(key, new DamagedRepositoryException(
                $"repository \"{transfer.Source.Name}\", object \"{key}\" is damaged and was not copied: {e.Message}", "another repository of the service may hold it whole", e));
        }

        return _entry is not null;
    }

    /// <summary>Bytes of packs and manifest that the destination lacks, as the entry says; 0 when it says nothing.</summary>
    public async Task<long> MeasureAsync(CancellationToken cancellation)
    {
        try
        {
            return await transfer.Source.TryReadAllAsync(RepositoryLayout.Backup(service, id), cancellation) is not { } json ? 0
                : transfer.Destination is { } destination ? (await BackupObjects.MissingAsync(destination, BackupDocument.Parse(json), cancellation)).Sum(item => item.Size)
                : BackupObjects.Of(BackupDocument.Parse(json)).Sum(item => item.Size);
        }
        catch (DamagedObjectException)
        {
            // Said, and counted, when the entry is read to be copied.
            return 0;
        }
    }

    /// <summary>Brings its packs and those of older backups, the manifest, and the WAL from the backup's start to its end.</summary>
    /// <returns>Whether all of it is there now.</returns>
    public async Task<bool> BringObjectsAsync(CancellationToken cancellation)
    {
        var entry = _entry!;
        Dictionary<string, StoredObject> digests;
        try
        {
            digests = await ReadDigestsAsync(entry, cancellation);
        }
        catch (Exception e) when (e is DamagedRepositoryException or ObjectNotFoundException or UnsupportedFormatException)
        {
            transfer.Fail(entry.Manifest.Key, e);
            return false;
        }

        var packs = RepositoryLayout.PacksPrefix(service, id);
        var whole = await transfer.BringAsync(ObjectDifference.ListAsync(transfer.Source, transfer.Destination, packs, cancellation), digests, cancellation);
        // All that is named must be there, also packs of older backups and the manifest itself.
        whole &= await BringNamedAsync(digests.Keys, "needs", digests, cancellation);
        return whole & await BringNamedAsync(Wal(entry), "needs the WAL", digests: null, cancellation);
    }

    /// <summary>Brings the entry, after everything else.</summary>
    /// <returns>Whether it was not there before and is now.</returns>
    public async Task<bool> BringEntryAsync(CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service, id);
        if (await ObjectDifference.FindAsync(transfer.Source, transfer.Destination, key, cancellation) is not { } item
            || !await transfer.BringOneAsync(item, digests: null, cancellation) || item.SizeThere is not null)
        {
            return false;
        }

        // Somebody may have collected there what no entry named yet: packs that were there long before this copy found them.
        if (!transfer.IsDryRun && await BackupObjects.MissingAsync(transfer.Destination!, _entry!, cancellation) is { Count: > 0 } missing)
        {
            await transfer.Destination!.DeleteAsync(key, cancellation);
            transfer.Fail(key, new ConflictException(
                $"repository \"{transfer.Destination.Name}\": \"{missing[0].Key}\", which backup {id} of {service} needs, was removed while the backup was copied; its entry was taken back",
                "repeat the copy when no `pitr expire` or `pitr repo gc` runs there"));
            return false;
        }

        return true;
    }

    async Task<Dictionary<string, StoredObject>> ReadDigestsAsync(BackupDocument entry, CancellationToken cancellation)
    {
        try
        {
            return await BackupDigests.ReadAsync(transfer.Source, service, entry, transfer.Opener, cancellation);
        }
        catch (KeyUnavailableException)
        {
            // Said once more, and counted, when the manifest itself is brought.
            return await BackupDigests.ReadAsync(transfer.Source, service, entry, opener: null, cancellation);
        }
    }

    async Task<bool> BringNamedAsync(IEnumerable<string> keys, string why, IReadOnlyDictionary<string, StoredObject>? digests, CancellationToken cancellation)
    {
        var missing = 0;
        var whole = await transfer.BringAsync(FindAsync(), digests, cancellation);
        return whole && missing == 0;

        async IAsyncEnumerable<ObjectDifference> FindAsync()
        {
            foreach (var key in keys)
            {
                if (await ObjectDifference.FindAsync(transfer.Source, transfer.Destination, key, cancellation) is { } item)
                {
                    yield return item;
                }
                else if (transfer.Destination is null || !await transfer.Destination.ExistsAsync(key, cancellation))
                {
                    missing++;
                    transfer.Fail(key, new DamagedRepositoryException(
                        $"repository \"{transfer.Source.Name}\": backup {id} of {service} {why} \"{key}\", which does not exist",
                        "the backup cannot be restored from here; another repository may hold it whole"));
                }
            }
        }
    }

    IEnumerable<string> Wal(BackupDocument entry)
    {
        if (entry.Tree is not null)
        {
            yield break;
        }

        if (!WalSegmentSize.IsValid(entry.WalSegmentSize)
            || !WalSegmentName.TryParse(entry.StartWal, out var first) || !WalSegmentName.TryParse(entry.StopWal, out var last) || first.Timeline != last.Timeline)
        {
            transfer.Fail(RepositoryLayout.Backup(service, id), new DamagedRepositoryException(
                $"repository \"{transfer.Source.Name}\": the entry of backup {id} of {service} names no WAL from start to end", "another repository may hold it whole"));
            yield break;
        }

        var size = WalSegmentSize.From(entry.WalSegmentSize);
        for (var number = first.Number(size); number <= last.Number(size); number++)
        {
            yield return RepositoryLayout.Wal(service, WalFileName.ForSegment(WalSegmentName.FromNumber(first.Timeline, number, size)));
        }
    }
}
