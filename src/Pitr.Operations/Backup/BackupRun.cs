using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Storage;
using Pitr.Storage.Limits;

namespace Pitr.Operations.Backup;

/// <summary>
/// Takes a base backup by method <c>stream</c>: pg_basebackup's tar is taken apart as it arrives and packed; nothing is staged on
/// disk. backup.json is written last, to repositories that hold every pack, the manifest and the WAL from start to stop; as many as required must.
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

    /// <summary>Most bytes of the cluster to read per second; the configuration's <c>backup.limit</c> if nothing else is said.</summary>
    public long? Limit { get; init; } = service.Settings.Backup.Limit;

    /// <summary>Takes the backup.</summary>
    /// <param name="progress">Told where the backup is, several times a second at most.</param>
    /// <param name="cancellation">Ends the backup; what was stored is not a backup then.</param>
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

        var id = await ChooseIdAsync(linked.Token);
        var started = service.Clock.GetUtcNow();
        var settings = await session.ReadSettingsAsync(RecordedSettings, linked.Token);
        var content = await CopyAsync(id, facts, await session.DatabaseBytesAsync(linked.Token), progress, linked.Token);

        progress?.Report(content.Progress("waiting for the WAL of the backup"));
        var end = await FindEndAsync(content, facts, session, linked.Token);
        await _arrival.WaitForSegmentsAsync(content.Label.StartWal, end.StopWal, facts.WalSegmentSize, linked.Token);

        var document = new BackupDocument
        {
            Id = id.ToString(),
            Service = service.Name.ToString(),
            Method = "stream",
            Host = Environment.MachineName,
            PitrVersion = version,
            Started = started,
            Finished = service.Clock.GetUtcNow(),
            StopTime = end.StopTime,
            Label = content.Label.Label,
            StartLsn = content.Label.StartLsn,
            StopLsn = end.StopLsn,
            StartWal = content.Label.StartWal.ToString(),
            StopWal = end.StopWal.ToString(),
            Timeline = content.Label.StartTimeline.Value,
            SystemIdentifier = facts.SystemIdentifier.ToString(CultureInfo.InvariantCulture),
            PostgresVersion = facts.VersionNumber,
            WalSegmentSize = facts.WalSegmentSize.Bytes,
            PageSize = facts.PageSize,
            ChecksumVersion = content.ControlFile.ChecksumVersion,
            DatabaseBytes = content.Bytes,
            StoredBytes = content.Packs.Sum(p => p.Size) + content.Manifest.Size,
            Files = content.Files,
            Manifest = content.Manifest,
            Packs = content.Packs,
            DataKeys = [content.DataKey],
            Settings = settings.ToDictionary(s => s.Key, s => s.Value.Value, StringComparer.Ordinal),
        };
        lease.Lost.ThrowIfCancellationRequested();
        await PutEntryAsync(id, document, facts.WalSegmentSize, linked.Token);
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

        if (await session.ReadTablespacesAsync() is { Count: > 0 } tablespaces)
        {
            throw new ImpossiblePlanException(
                $"the cluster has tablespaces of its own ({string.Join(", ", tablespaces.Select(t => t.Name))}); method stream carries one tablespace only",
                "method direct reads every tablespace; this version does not have it yet");
        }

        if (facts.InRecovery && settings["archive_mode"].Value != "always")
        {
            throw new ImpossiblePlanException(
                "the server is a standby that does not archive (archive_mode is not always)",
                "back up from the primary, or set archive_mode = always on the standby");
        }
    }

    // Ids are unique per second; a second backup in the same second waits for the next one. A repository that is down has no say: the
    // lease keeps others from beginning a backup now.
    async Task<BackupId> ChooseIdAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var id = new BackupId(service.Clock.GetUtcNow());
            var answers = await service.Repositories.AskAllAsync(
                async (store, token) => await store.ExistsAsync(RepositoryLayout.Backup(service.Name, id), token)
                    || await store.ExistsAsync(RepositoryLayout.Pack(service.Name, id, 0), token),
                cancellation);
            if (!answers.Any(a => a.Answer))
            {
                return id;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), service.Clock, cancellation);
        }
    }

    // The entry makes it a backup, so it goes only where everything it names is; a repository that lacks a part is owed the entry as well.
    async Task PutEntryAsync(BackupId id, BackupDocument document, WalSegmentSize segmentSize, CancellationToken cancellation)
    {
        var key = RepositoryLayout.Backup(service.Name, id);
        var content = ObjectContent.FromMemory(document.ToJson());
        await service.Repositories.WriteAsync(
            [key],
            Laggards.Await,
            async (store, token) =>
            {
                await _arrival.RequireSegmentsAsync(store, WalSegmentName.Parse(document.StartWal), WalSegmentName.Parse(document.StopWal), segmentSize, token);
                await store.PutAsync(key, content, PutMode.CreateNew, token);
            },
            cancellation,
            isReady: store => !document.Packs.Append(document.Manifest).Any(o => service.Repositories.Debts.IsOwed(store.Name, o.Key)));
    }

    async Task<BackupContent> CopyAsync(BackupId id, ServerFacts facts, long estimate, IProgress<BackupProgress>? progress, CancellationToken cancellation)
    {
        var key = await service.SealingKeys.GetAsync(cancellation);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var source = PgBaseBackup.Start(new PgBaseBackupOptions
        {
            BinDirectory = PostgresBinaries.Find(facts.MajorVersion, service.Settings.BinDirectory),
            ConnectionString = service.Settings.RevealConnection(),
            Label = $"pitr {id}",
            OnMessage = line => OnServerMessage(line, deadline),
        });
        await using var pipeline = new PackPipeline(service, id, key, service.Settings.Backup.Jobs, deadline.Token);
        using var manifest = new MemoryStream();
        try
        {
            var limit = Limit is { } rate ? new BandwidthLimit(rate, service.Clock) : null;
            var reading = new TarBackupReader(service.Name, id, facts, pipeline, estimate, progress, limit);
            await ReadAsync(source, reading, manifest, key, deadline.Token);
            var packs = await pipeline.CompleteAsync();
            reading.CompleteManifest(packs);
            var stored = await StoreManifestAsync(id, manifest, key, deadline.Token);
            return reading.ToContent(packs, stored, key.Id.ToString());
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw WalArrival.TimedOut(service.Settings.Backup.WalDeadline, e);
        }
    }

    static async Task ReadAsync(PgBaseBackup source, TarBackupReader reading, MemoryStream manifest, DataKey key, CancellationToken cancellation)
    {
        try
        {
            await reading.ReadAsync(source.Output, manifest, key, cancellation);
        }
        catch (ServerException)
        {
            // A tar that breaks off is the effect; what pg_basebackup says is the cause, and that is what the caller is told.
            await source.Output.CopyToAsync(Stream.Null, cancellation);
            await source.WaitAsync(cancellation);
            throw;
        }

        await source.WaitAsync(cancellation);
    }

    // With archiving on, the server ends a backup only when its WAL is archived; it says so, and from then on the clock runs.
    void OnServerMessage(string line, CancellationTokenSource deadline)
    {
        service.Log.Information("pg_basebackup: {Line}", line);
        if (line.Contains("waiting for required WAL segments", StringComparison.Ordinal))
        {
            deadline.CancelAfter(service.Settings.Backup.WalDeadline);
        }
    }

    async Task<StoredObject> StoreManifestAsync(BackupId id, MemoryStream manifest, DataKey dataKey, CancellationToken cancellation)
    {
        var content = manifest.GetBuffer().AsMemory(0, (int)manifest.Length);
        var key = RepositoryLayout.Manifest(service.Name, id);
        await service.Repositories.PutAsync(key, content, PutMode.Replace, cancellation, store => service.SealingKeys.IsPublished(dataKey, store));
        return new StoredObject(key, content.Length, Convert.ToHexStringLower(SHA256.HashData(content.Span)));
    }

    // A primary archives a backup history file that names the stop position; a standby does not, there pg_control's minimum recovery
    // point, copied last, is where the backup is consistent (PostgreSQL 15 documentation, 26.3.3 and pg_basebackup notes).
    async Task<BackupEnd> FindEndAsync(BackupContent content, ServerFacts facts, PostgresSession session, CancellationToken cancellation)
    {
        if (facts.InRecovery)
        {
            var stop = content.ControlFile.MinRecoveryPoint;
            var now = (await session.ReadFactsAsync(cancellation)).Now;
            return new BackupEnd(stop, WalSegmentName.FromLsn(content.ControlFile.Timeline, new Lsn(stop.Value - 1), facts.WalSegmentSize), now);
        }

        var name = WalFileName.Parse($"{content.Label.StartWal}.{content.Label.StartLsn.Value % (ulong)facts.WalSegmentSize.Bytes:X8}.backup");
        byte[] text;
        try
        {
            text = await _arrival.WaitForFileAsync(name, cancellation);
        }
        catch (KeyUnavailableException)
        {
            // Another host archives, and this one has no identity to open what that host sealed. The backup has ended by now, so the end
            // of the segment that is written at this moment lies behind its true end; a little late is safe.
            var segment = await session.SwitchWalAsync(cancellation);
            var now = (await session.ReadFactsAsync(cancellation)).Now;
            return new BackupEnd(segment.StartLsn(facts.WalSegmentSize) + (ulong)facts.WalSegmentSize.Bytes, segment, now);
        }

        var history = BackupHistory.Parse(Encoding.UTF8.GetString(text));
        var observed = (await session.ReadFactsAsync(cancellation)).Now;
        // The file gives whole seconds, cut off; and no usable time where it has only a time zone's ambiguous abbreviation.
        var stopTime = history.StopTime?.AddSeconds(1) is { } stated && stated < observed ? stated : observed;
        return new BackupEnd(history.StopLsn, history.StopWal, stopTime);
    }

    readonly record struct BackupEnd(Lsn StopLsn, WalSegmentName StopWal, DateTimeOffset StopTime);
}
