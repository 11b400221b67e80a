using System.Globalization;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Storage;
using Pitr.Storage.Limits;

namespace Pitr.Operations.Backup;

/// <summary>
/// Takes a base backup: every one is whole, only changed pages travel. backup.json is written last, to repositories that hold every pack, the manifest
/// and the WAL from start to stop; as many as required must.
/// </summary>
/// <param name="service">The service to back up.</param>
/// <param name="version">This program's version, for the catalog.</param>
public sealed class BackupRun(PostgresService service, string version)
{
    /// <summary>Settings that a server needs to replay this cluster's WAL, kept so that a host without its postgresql.conf can restore.</summary>
    static readonly string[] RecordedSettings =
    [
        "max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction",
        "wal_level", "shared_preload_libraries", "server_version", "server_encoding", "lc_collate", "archive_mode", "data_checksums",
    ];

    readonly WalArrival _arrival = new(service);
    readonly ManifestCache _cache = new(service);
    readonly BackupPlace _place = new(service);
    readonly JournalDirectory _journals = new(service);
    IReadOnlyDictionary<string, string> _databases = new Dictionary<string, string>(StringComparer.Ordinal);
    BackupBases _bases = new(null, null);
    string? _fullCopyReason;

    /// <summary>How the files are read; the configuration's <c>backup.method</c> if nothing else is said.</summary>
    public BackupMethod Method { get; init; } = service.Settings.Backup.Method;

    /// <summary>Copies every page, also those that have not changed since the last backup.</summary>
    public bool Full { get; init; }

    /// <summary>Most bytes of the cluster to read per second; the configuration's <c>backup.limit</c> if nothing else is said.</summary>
    public long? Limit { get; init; } = service.Settings.Backup.Limit;

    /// <summary>Told when there is something to go on from, before anything is copied.</summary>
    public Action<ResumedWork>? Resuming { get; init; }

    /// <summary>Takes the backup.</summary>
    /// <param name="progress">Told where the backup is, several times a second at most.</param>
    /// <param name="cancellation">Ends the backup; what was stored is not a backup then, and the next one goes on from there.</param>
    /// <returns>The catalog entry that was written.</returns>
    /// <exception cref="BusyException">Another backup of the service runs.</exception>
    /// <exception cref="Pitr.Postgres.ServerException">PostgreSQL could not be reached or did not deliver.</exception>
    public async Task<BackupDocument> RunAsync(IProgress<BackupProgress>? progress, CancellationToken cancellation)
    {
        await using var lease = await RepositoryLease.AcquireAsync(service, "backup", cancellation);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lease.Lost);
        await using var session = await PostgresSession.OpenAsync(service.Settings.RevealConnection(), linked.Token);
        var facts = await session.ReadFactsAsync(linked.Token);
        await RequireBackupPossibleAsync(session, facts);
        await new ServiceRegistry(service).ClaimAsync(facts.SystemIdentifier, facts.MajorVersion, facts.WalSegmentSize.Bytes, linked.Token);

        var id = await _place.ChooseIdAsync(taken => _journals.Paths().Contains(_journals.PathOf(taken)), linked.Token);
        var started = service.Clock.GetUtcNow();
        var settings = await session.ReadSettingsAsync(RecordedSettings, linked.Token);
        var method = await ChooseMethodAsync(facts, session, id, linked.Token);
        var (content, cached) = await CopyAsync(id, facts, method.Source, session, progress, linked.Token);

        progress?.Report(content.Progress("waiting for the WAL of the backup"));
        var positions = await method.Source.FindPositionsAsync(linked.Token);
        await _arrival.WaitForSegmentsAsync(positions.Label.StartWal, positions.StopWal, facts.WalSegmentSize, linked.Token);

        var document = new BackupDocument
        {
            Id = id.ToString(),
            Service = service.Name.ToString(),
            Method = method.Name,
            Host = Environment.MachineName,
            PitrVersion = version,
            Started = started,
            Finished = service.Clock.GetUtcNow(),
            StopTime = positions.StopTime,
            Label = positions.Label.Label,
            StartLsn = positions.Label.StartLsn,
            StopLsn = positions.StopLsn,
            StartWal = positions.Label.StartWal.ToString(),
            StopWal = positions.StopWal.ToString(),
            Timeline = positions.Label.StartTimeline.Value,
            SystemIdentifier = facts.SystemIdentifier.ToString(CultureInfo.InvariantCulture),
            PostgresVersion = facts.VersionNumber,
            WalSegmentSize = facts.WalSegmentSize.Bytes,
            PageSize = facts.PageSize,
            ChecksumVersion = facts.DataChecksums ? 1u : 0u,
            DatabaseBytes = content.Bytes,
            StoredBytes = content.Packs.Sum(p => p.Size) + content.Manifest.Size,
            Files = content.Files,
            Manifest = content.Manifest,
            Packs = content.Packs,
            OlderPacks = content.OlderPacks,
            Base = _bases.Complete?.Document.Id,
            FullCopyReason = _fullCopyReason,
            Resumed = content.Resumed,
            Changes = content.Changes,
            Databases = _databases,
            DamagedPages = content.DamagedPages,
            Damage = content.Damage,
            DataKeys = [content.DataKey, .. content.OlderPacks.Select(p => p.DataKey).Distinct(StringComparer.Ordinal).Where(k => k != content.DataKey)],
            Settings = settings.ToDictionary(s => s.Key, s => s.Value.Value, StringComparer.Ordinal),
        };
        lease.Lost.ThrowIfCancellationRequested();
        lease.RequireCertain();
        await new BackupEntry(service).PutAsync(document, linked.Token);
        if (cached is not null)
        {
            _cache.Keep(cached, document);
        }

        _journals.Clear();

        service.Log.Information("backup {Id} is complete: {Bytes} bytes as {StoredBytes}", document.Id, document.DatabaseBytes, document.StoredBytes);
        return document;
    }

    static async Task RequireBackupPossibleAsync(PostgresSession session, ServerFacts facts)
    {
        var settings = await session.ReadSettingsAsync("archive_mode", "wal_level");
        if (settings["archive_mode"].Value == "off")
        {
            throw new ImpossiblePlanException(
                "archive_mode is off: the WAL that makes a base backup consistent would never reach the repository",
                "set archive_mode = on and the archive_command that `pitr init` printed, restart PostgreSQL, then run `pitr check`");
        }

        if (settings["wal_level"].Value == "minimal")
        {
            throw new ImpossiblePlanException(
                "wal_level is minimal: its WAL cannot be replayed",
                "set wal_level = replica and restart PostgreSQL");
        }

        if (facts.InRecovery && settings["archive_mode"].Value != "always")
        {
            throw new ImpossiblePlanException(
                "the server is a standby that does not archive (archive_mode is not always)",
                "back up from the primary, or set archive_mode = always on the standby");
        }
    }

    async Task<(string Name, IClusterSource Source)> ChooseMethodAsync(ServerFacts facts, PostgresSession session, BackupId id, CancellationToken cancellation)
    {
        var obstacle = Method == BackupMethod.Stream ? null : await DirectSource.ObstacleAsync(service, session, facts, cancellation);
        if (Method == BackupMethod.Direct && obstacle is not null)
        {
            throw new ImpossiblePlanException($"the files cannot be read directly: {obstacle}", "run it on the database host, as the user that owns the data directory; or use method stream");
        }

        if (Method == BackupMethod.Auto && obstacle is not null)
        {
            service.Log.Information("pg_basebackup reads the cluster, because {Obstacle}", obstacle);
        }

        if (Method != BackupMethod.Stream && obstacle is null)
        {
            return ("direct", new DirectSource(service, session, facts, $"pitr {id}"));
        }

        return await session.ReadTablespacesAsync(cancellation) is { Count: > 0 } tablespaces
            ? throw new ImpossiblePlanException(
                $"the cluster has tablespaces of its own ({string.Join(", ", tablespaces.Select(t => t.Name))}); method stream carries one tablespace only",
                $"method direct reads every tablespace{(obstacle is null ? "" : $"; it cannot be used here: {obstacle}")}")
            : ("stream", new StreamSource(service, session, facts, $"pitr {id}"));
    }

    async Task<(BackupContent Content, string? Cached)> CopyAsync(
        BackupId id, ServerFacts facts, IClusterSource source, PostgresSession session, IProgress<BackupProgress>? progress, CancellationToken cancellation)
    {
        var key = await service.SealingKeys.GetAsync(cancellation);
        using var journal = new BackupJournal(_journals.PathOf(id), service.Log);
        await using var pipeline = new PackPipeline(service, id, key, service.Settings.Backup.Jobs, cancellation) { Journal = journal };
        using var manifest = new MemoryStream();
        await using var plain = _cache.TryCreate();
        using var assembly = new BackupAssembly(service.Name, id, facts, pipeline)
        {
            Estimate = await session.DatabaseBytesAsync(cancellation),
            Progress = progress,
            Limit = Limit is { } rate ? new BandwidthLimit(rate, service.Clock) : null,
        };
        try
        {
            await source.ReadAsync(new BackupTarget(assembly, manifest, plain, key, BeginAsync), cancellation);
            var packs = await pipeline.CompleteAsync();
            assembly.Complete(packs);
            var stored = await _place.StoreManifestAsync(id, manifest, key, cancellation);
            return (assembly.ToContent(packs, stored, key.Id.ToString()), assembly.IsPlainWhole ? plain?.Name : null);
        }
        finally
        {
            _bases.Complete?.Dispose();
            _bases.Interrupted?.Dispose();
        }

        async Task<BackupBases> BeginAsync(Lsn start, Timeline timeline, CancellationToken token)
        {
            _databases = await session.ReadDatabasesAsync(token);
            _bases = await FindBasesAsync(facts with { Timeline = timeline }, start, assembly.Estimate, token);
            journal.Begin(JournalHeader.Of(id, facts with { Timeline = timeline }, start, _databases, key.Id));
            return _bases;
        }
    }

    async Task<BackupBases> FindBasesAsync(ServerFacts facts, Lsn start, long estimate, CancellationToken cancellation)
    {
        if (Full)
        {
            _fullCopyReason = "it was asked for";
            _journals.Clear();
            return new BackupBases(null, null);
        }

        (var basis, _fullCopyReason) = await new BackupBaseFinder(service).FindAsync(facts, start, _databases, cancellation);
        if (basis is not null)
        {
            service.Log.Information("pages that have not changed since backup {Base} are not copied again", basis.Document.Id);
        }

        var interrupted = await new InterruptedBackupFinder(service).FindAsync(facts, start, _databases, basis, cancellation);
        if (interrupted is not null)
        {
            service.Log.Information(
                "going on from the backup interrupted at {Moment}: {Bytes} of {Estimate} bytes are stored already, by {Backups}", interrupted.InterruptedAt, interrupted.Bytes, estimate, string.Join(", ", interrupted.Ids));
            Resuming?.Invoke(new ResumedWork(interrupted.InterruptedAt, interrupted.Bytes, estimate));
        }

        if (basis is null)
        {
            service.Log.Information("every {Other}page is copied: {Reason}", interrupted is null ? "" : "other ", _fullCopyReason);
        }

        return new BackupBases(basis, interrupted);
    }
}
