using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres.Sessions;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>
/// Chooses the backup that a new one is compared with: the newest of the same cluster and timeline, if everything says that unchanged pages can be
/// told from changed ones by their LSN, and every repository has it. Whatever is in doubt means that everything is copied, with the reason.
/// </summary>
sealed class BackupBaseFinder(PostgresService service)
{
    readonly ManifestCache _cache = new(service);

    /// <summary>Finds it.</summary>
    /// <param name="facts">About the server.</param>
    /// <param name="databases">Its databases, as of now, in backup mode.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>The base, or why there is none; exactly one of them is null.</returns>
    public async Task<(BackupBase? Base, string? Reason)> FindAsync(ServerFacts facts, IReadOnlyDictionary<string, string> databases, CancellationToken cancellation)
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

        var newest = backups.OrderBy(b => b.StopLsn).LastOrDefault(b => b.Timeline == facts.Timeline.Value && b.SystemIdentifier == $"{facts.SystemIdentifier}");
        if (newest is null)
        {
            return (null, backups.Count == 0 ? "this is the first backup" : $"there is no backup of timeline {facts.Timeline} yet");
        }

        return Unfit(newest, facts) is { } unfit ? (null, unfit)
            : await LackingAsync(newest, cancellation) is { } lacking ? (null, lacking)
            : await OpenAsync(newest, databases, cancellation);
    }

    static string? Unfit(BackupDocument backup, ServerFacts facts)
    {
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

    // A repository that is owed the base gets it before what builds on it; one that never had it would keep something incomplete.
    async Task<string?> LackingAsync(BackupDocument backup, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service.Name, BackupId.Parse(backup.Id));
        var answers = await service.Repositories.AskAllAsync((store, token) => store.ExistsAsync(key, token), cancellation);
        return answers.FirstOrDefault(a => !a.Answer && !service.Repositories.Debts.IsOwed(a.Store.Name, key)).Store is { } store
            ? $"repository {store.Name} does not hold backup {backup.Id}"
            : null;
    }

    async Task<(BackupBase? Base, string? Reason)> OpenAsync(BackupDocument backup, IReadOnlyDictionary<string, string> databases, CancellationToken cancellation)
    {
        ManifestFile? manifest = null;
        try
        {
            manifest = OpenCached(backup) ?? ManifestFile.Open(await _cache.FetchAsync(backup, cancellation));
            if (manifest.Header.BackupId != backup.Id || manifest.Header.Service != backup.Service)
            {
                throw new DamagedObjectException($"is the manifest of {manifest.Header.Service} {manifest.Header.BackupId}");
            }

            var found = new BackupBase(backup, manifest, databases);
            // What its lines have left behind would be there until the end: the rest of a backup allocates little.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
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
