using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>
/// Chooses the backup that a new one is compared with: the newest of the same cluster and timeline, if everything says that unchanged pages can be
/// told from changed ones by their LSN, and every repository has it. Whatever is in doubt means that everything is copied, with the reason.
/// </summary>
sealed class BackupBaseFinder(PackedService service)
{
    const int ManyFiles = 100_000;

    readonly ManifestCache _cache = new(service);

    /// <summary>Finds it.</summary>
    /// <param name="facts">About the server.</param>
    /// <param name="start">Where the new backup begins.</param>
    /// <param name="databases">Its databases, as of now, in backup mode.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>The base, or why there is none; exactly one of them is null.</returns>
    public Task<(BackupBase? Base, string? Reason)> FindAsync(ServerFacts facts, Lsn start, IReadOnlyDictionary<string, string> databases, CancellationToken cancellation)
    {
        return FindAsync(Choose, databases, cancellation);

        (BackupDocument? Backup, string? Reason) Choose(IReadOnlyList<BackupDocument> backups) =>
            backups.OrderBy(b => b.StopLsn).LastOrDefault(b => b.Timeline == facts.Timeline.Value && b.SystemIdentifier == $"{facts.SystemIdentifier}") is { } newest
                ? (newest, Unfit(newest, facts, start))
                : (null, $"there is no backup of timeline {facts.Timeline} yet");
    }

    /// <summary>Finds that of trees of files: the newest of all.</summary>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>The base, or why there is none; exactly one of them is null.</returns>
    public Task<(BackupBase? Base, string? Reason)> FindNewestAsync(CancellationToken cancellation) =>
        FindAsync(static backups => (backups[^1], null), new Dictionary<string, string>(StringComparer.Ordinal), cancellation);

    async Task<(BackupBase? Base, string? Reason)> FindAsync(
        Func<IReadOnlyList<BackupDocument>, (BackupDocument? Backup, string? Reason)> choose, IReadOnlyDictionary<string, string> databases, CancellationToken cancellation)
    {
        IReadOnlyList<BackupDocument> backups;
        try
        {
            backups = await new BackupCatalog(service).ListAsync(cancellation);
        }
        catch (Exception e) when (e is DamagedRepositoryException or StorageException or UnsupportedFormatException)
        {
            return (null, $"the catalog could not be read: {e.Message}");
        }

        if (backups.Count == 0)
        {
            return (null, "this is the first backup");
        }

        var (newest, unfit) = choose(backups);
        if (unfit is not null || newest is null)
        {
            return (null, unfit);
        }

        var (lacks, reason) = await LackingAsync(newest, cancellation);
        return reason is null ? await OpenAsync(newest, databases, lacks, cancellation) : (null, reason);
    }

    static string? Unfit(BackupDocument backup, ServerFacts facts, Lsn start)
    {
        // A standby that lags: its pages may be older than those that were copied elsewhere, and its backup may end before they were written.
        if (backup.StartLsn > start)
        {
            return $"backup {backup.Id} began at {backup.StartLsn}, behind {start}";
        }

        if (backup.Databases.Count == 0)
        {
            return $"backup {backup.Id} was taken by a version that did not record databases";
        }

        if (backup.PageSize != facts.PageSize)
        {
            return $"pages had {backup.PageSize} bytes in backup {backup.Id} and have {facts.PageSize} now";
        }

        if (backup.DamagedPages > backup.Damage.Count)
        {
            return $"backup {backup.Id} holds {backup.DamagedPages} damaged pages";
        }

        // pg_checksums rewrites every page and leaves its LSN alone.
        return (backup.ChecksumVersion != 0) != facts.DataChecksums
            ? $"page checksums were {(facts.DataChecksums ? "enabled" : "disabled")} since backup {backup.Id}"
            : null;
    }

    // A repository that is owed the base gets it before what builds on it; one that never had it would keep something incomplete. A pack that
    // somebody has removed would fail this backup at its end, and every one after it: what it held is copied again.
    async Task<(IReadOnlySet<string> Packs, string? Reason)> LackingAsync(BackupDocument backup, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service.Name, BackupId.Parse(backup.Id));
        var debts = service.Repositories.Debts;
        var answers = await service.Repositories.AskAllAsync(
            async (store, token) => await store.ExistsAsync(key, token) ? await BackupObjects.MissingAsync(store, backup, token) : null,
            cancellation);
        var packs = answers.SelectMany(a => (a.Answer ?? []).Where(o => !debts.IsOwed(a.Store.Name, o.Key)).Select(o => o.Key)).ToHashSet(StringComparer.Ordinal);
        if (answers.FirstOrDefault(a => a.Answer is null && !debts.IsOwed(a.Store.Name, key)).Store is { } store)
        {
            return (packs, $"repository {store.Name} does not hold backup {backup.Id}");
        }

        var holders = answers.Count(a => a.Answer is not null);
        return holders < service.Repositories.Required
            ? (packs, $"only {holders} of the repositories that answer hold backup {backup.Id}, and {RepositoryCount.Text(service.Repositories.Required)} must hold what builds on it")
            : (packs, null);
    }

    async Task<(BackupBase? Base, string? Reason)> OpenAsync(BackupDocument backup, IReadOnlyDictionary<string, string> databases, IReadOnlySet<string> lacking, CancellationToken cancellation)
    {
        ManifestFile? manifest = null;
        try
        {
            manifest = OpenCached(backup) ?? ManifestFile.Open(await _cache.FetchAsync(backup, cancellation));
            if (manifest.Header.BackupId != backup.Id || manifest.Header.Service != backup.Service)
            {
                throw new DamagedObjectException($"is the manifest of {manifest.Header.Service} {manifest.Header.BackupId}");
            }

            var found = new BackupBase(backup, manifest, databases, lacking, service.Backup.DeadSpace);
            if (backup.Files >= ManyFiles)
            {
                // What its lines have left behind would be there until the end: the rest of a backup allocates little.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
            }

            manifest = null;
            return (found, null);
        }
        catch (Exception e) when (e is KeyUnavailableException or DamagedObjectException or EndOfStreamException or UnsupportedFormatException or StorageException
            or RepositoryUnavailableException or DamagedRepositoryException or IOException or UnauthorizedAccessException)
        {
            return (null, $"the manifest of backup {backup.Id} cannot be read here: {e.Message}");
        }
        finally
        {
            manifest?.Dispose();
        }
    }

    ManifestFile? OpenCached(BackupDocument backup) => _cache.Find(backup) is { } path ? ManifestFile.Open(path) : null;
}
