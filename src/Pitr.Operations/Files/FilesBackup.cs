using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Wal;
using Pitr.Operations.Backup;
using Pitr.Operations.Errors;
using Pitr.Operations.Files.Journal;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.Limits;

namespace Pitr.Operations.Files;

/// <summary>
/// Takes a backup of trees of files: every one is whole; files that have not changed are not read again. backup.json is written last, to repositories that hold every pack and the manifest; as
/// many as required must.
/// </summary>
/// <param name="service">The service to back up.</param>
/// <param name="version">This program's version, for the catalog.</param>
public sealed class FilesBackup(FilesService service, string version)
{
    readonly ManifestCache _cache = new(service);
    readonly BackupPlace _place = new(service);

    /// <summary>Reads every file, also those that have not changed since the last backup.</summary>
    public bool Full { get; init; }

    /// <summary>Most bytes to read per second; null where nothing limits it.</summary>
    public long? Limit { get; init; } = service.Backup.Limit;

    /// <summary>Takes the backup.</summary>
    /// <param name="progress">Told where the backup is.</param>
    /// <param name="cancellation">Ends the backup; what was stored is not a backup then.</param>
    /// <returns>The catalog entry that was written.</returns>
    /// <exception cref="BusyException">Another backup of the service runs.</exception>
    /// <exception cref="ImpossiblePlanException">A path of the configuration is not there, or is reached through a link.</exception>
    /// <exception cref="Pitr.Postgres.ServerException">journalctl is missing, or failed.</exception>
    /// <exception cref="StorageException">Too few repositories could take it.</exception>
    public async Task<BackupDocument> RunAsync(IProgress<BackupProgress>? progress, CancellationToken cancellation)
    {
        await using var lease = await RepositoryLease.AcquireAsync(service, "backup", cancellation);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease.Lost);
        await new KindRegistry(service).ClaimAsync(linked.Token);
        var (basis, reason) = Full ? (null, "it was asked for") : await new BackupBaseFinder(service).FindNewestAsync(linked.Token);
        using (basis)
        {
            var id = await _place.ChooseIdAsync(static _ => false, linked.Token);
            var started = service.Clock.GetUtcNow();
            var (content, tree, cached) = await CopyAsync(id, basis, progress, linked.Token);
            var document = Document(id, started, content, tree, basis?.Document.Id, reason);
            lease.Lost.ThrowIfCancellationRequested();
            lease.RequireCertain();
            await new BackupEntry(service).PutAsync(document, linked.Token);
            if (cached is not null)
            {
                _cache.Keep(cached, document);
            }

            service.Log.Information("backup {Id} is complete: {Bytes} bytes as {StoredBytes}", document.Id, document.DatabaseBytes, document.StoredBytes);
            return document;
        }
    }

    async Task<(BackupContent Content, TreeRecord Tree, string? Cached)> CopyAsync(
        BackupId id, BackupBase? basis, IProgress<BackupProgress>? progress, CancellationToken cancellation)
    {
        var key = await service.SealingKeys.GetAsync(cancellation);
        await using var pipeline = new PackPipeline(service, id, key, service.Backup.Jobs, cancellation);
        using var manifest = new MemoryStream();
        await using var plain = _cache.TryCreate();
        using var assembly = new FilesAssembly(pipeline, basis)
        {
            Estimate = basis?.Document.DatabaseBytes ?? 0,
            Progress = progress,
            Limit = Limit is { } rate ? new BandwidthLimit(rate, service.Clock) : null,
        };
        var reader = new TreeReader(service.Settings, assembly, service.Clock);
        TreeWalk.RequireRoots(service.Settings);
        var journal = service.Settings.Journal is { } settings ? JournalBackup.Prepare(service, settings, assembly, id) : null;
        assembly.Begin(manifest, plain, key, new ManifestHeader(1, service.Name.Value, id.ToString(), 0, 0, default, 0, 0) { Kind = service.Kind });
        var exported = journal is null ? null : await journal.RunAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var packs = await pipeline.CompleteAsync();
        assembly.Complete(id.ToString(), packs);
        var stored = await _place.StoreManifestAsync(id, manifest, key, cancellation);
        var (content, tree) = assembly.ToContent(service.Settings.Paths, packs, stored, key.Id.ToString());
        return (content, tree with { Journal = exported }, assembly.IsPlainWhole ? plain?.Name : null);
    }

    // Programs that know clusters only find here what they need to leave the packs alone.
    BackupDocument Document(BackupId id, DateTimeOffset started, BackupContent content, TreeRecord tree, string? basis, string? reason)
    {
        var finished = service.Clock.GetUtcNow();
        return new BackupDocument
        {
            Id = id.ToString(),
            Service = service.Name.Value,
            Kind = service.Kind,
            Method = "direct",
            Host = Environment.MachineName,
            PitrVersion = version,
            Started = started,
            Finished = finished,
            StopTime = finished,
            Label = "",
            StartLsn = default,
            StopLsn = default,
            StartWal = "",
            StopWal = "",
            Timeline = 0,
            SystemIdentifier = "0",
            PostgresVersion = 0,
            WalSegmentSize = 0,
            PageSize = 0,
            ChecksumVersion = 0,
            DatabaseBytes = content.Bytes,
            StoredBytes = content.Packs.Sum(p => p.Size) + content.Manifest.Size,
            Files = content.Files,
            Tree = tree,
            Manifest = content.Manifest,
            Packs = content.Packs,
            OlderPacks = content.OlderPacks,
            Base = basis,
            FullCopyReason = reason,
            DataKeys = [content.DataKey, .. content.OlderPacks.Select(p => p.DataKey).Distinct(StringComparer.Ordinal).Where(k => k != content.DataKey)],
        };
    }
}
