using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Storage.Limits;

namespace Pitr.Operations.Backup;

/// <summary>
/// Takes pg_basebackup's tar apart: cuts files into records for the pipeline, bundles small files, leaves zeros out, and writes the
/// manifest as entries become complete.
/// </summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="id">The backup.</param>
/// <param name="facts">About the server.</param>
/// <param name="pipeline">Takes the records.</param>
/// <param name="estimate">Bytes to come, for the progress.</param>
/// <param name="progress">Told where the work is.</param>
/// <param name="limit">How fast the cluster may be read; the server waits when nobody takes what it sends.</param>
sealed class TarBackupReader(
    ServiceName service, BackupId id, ServerFacts facts, PackPipeline pipeline, long estimate, IProgress<BackupProgress>? progress,
    BandwidthLimit? limit = null)
{
    const int SmallFile = 64 * 1024;

    readonly Queue<PendingEntry> _pending = new();
    RecordDraft _draft = new();
    BackupLabel? _label;
    ControlFile? _controlFile;
    SealedObjectWriter? _sealing;
    ManifestWriter? _manifest;
    long _bytes;
    int _files;

    /// <summary>Reads the whole tar into the pipeline.</summary>
    public async Task ReadAsync(Stream tar, Stream manifest, DataKey key, CancellationToken cancellation)
    {
        var header = SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id);
        _sealing = new SealedObjectWriter(manifest, key, header);
        await foreach (var entry in new BaseBackupTarReader(tar).ReadAsync(cancellation))
        {
            // The root is there before anything is restored into it; a manifest has no name for it.
            if (entry.Path.Length > 0)
            {
                await AddAsync(entry, cancellation);
                WriteCompleteEntries();
            }
        }

        await FlushAsync();
    }

    async Task AddAsync(TarEntry entry, CancellationToken cancellation)
    {
        var pending = new PendingEntry(entry.Path, (ManifestEntryKind)entry.Kind, entry.Size, entry.Mode, entry.Modified, entry.LinkTarget);
        if (entry.Kind == TarEntryKind.File)
        {
            _files++;
            switch (entry.Path)
            {
                case "backup_label":
                    await AddLabelAsync(entry, pending, cancellation);
                    break;
                case "global/pg_control":
                    var control = await ReadSmallAsync(entry, cancellation);
                    _controlFile = ControlFile.Parse(control);
                    await AddBytesAsync(pending, control);
                    break;
                default:
                    await AddFileAsync(pending, entry, cancellation);
                    break;
            }

            progress?.Report(new BackupProgress("copying", _bytes, estimate, pipeline.StoredBytes));
        }

        pending.Close();
        _pending.Enqueue(pending);
    }

    // The server sends backup_label first, so the manifest's header, which names the start position, can be written before any entry.
    async Task AddLabelAsync(TarEntry entry, PendingEntry pending, CancellationToken cancellation)
    {
        var content = await ReadSmallAsync(entry, cancellation);
        _label = BackupLabel.Parse(Encoding.UTF8.GetString(content));
        _manifest = new ManifestWriter(_sealing!);
        _manifest.WriteHeader(new ManifestHeader(
            1, service.ToString(), id.ToString(), facts.SystemIdentifier, _label.StartTimeline.Value, _label.StartLsn, facts.PageSize, facts.DataChecksums ? 1u : 0u));
        await AddBytesAsync(pending, content);
    }

    static async Task<byte[]> ReadSmallAsync(TarEntry entry, CancellationToken cancellation)
    {
        if (entry.Size > SmallFile)
        {
            throw new RefusedInputException($"{entry.Path} has {entry.Size} bytes, more than such a file can have");
        }

        var content = new byte[entry.Size];
        await entry.Data.ReadExactlyAsync(content, cancellation);
        return content;
    }

    async Task AddBytesAsync(PendingEntry pending, ReadOnlyMemory<byte> content)
    {
        await EnsureRoomAsync(content.Length);
        content.CopyTo(_draft.Room(content.Length));
        _draft.Append(pending, content.Length);
        _bytes += content.Length;
    }

    async Task AddFileAsync(PendingEntry pending, TarEntry entry, CancellationToken cancellation)
    {
        for (var left = entry.Size; left > 0;)
        {
            // Whole records of a large file are never mixed with others; only its rest shares one with small files.
            var length = (int)Math.Min(left, RecordDraft.Capacity);
            await EnsureRoomAsync(length);
            if (limit is not null)
            {
                await limit.TakeAsync(length, cancellation);
            }

            var room = _draft.Room(length);
            await entry.Data.ReadExactlyAsync(room, cancellation);
            if (room.Span.IndexOfAnyExcept((byte)0) < 0)
            {
                pending.AddZeros(length);
            }
            else
            {
                _draft.Append(pending, length);
            }

            left -= length;
            _bytes += length;
        }
    }

    async ValueTask EnsureRoomAsync(int length)
    {
        if (_draft.Free < length)
        {
            await FlushAsync();
        }
    }

    async ValueTask FlushAsync()
    {
        if (_draft.Length > 0)
        {
            await pipeline.AddAsync(_draft);
            _draft = new RecordDraft();
        }
    }

    void WriteCompleteEntries()
    {
        while (_pending.TryPeek(out var entry) && entry.IsComplete)
        {
            RequireManifest().WriteEntry(_pending.Dequeue().ToEntry());
        }
    }

    /// <summary>Writes what is left of the manifest, after every record has found its place.</summary>
    public void CompleteManifest(IReadOnlyList<StoredObject> packs)
    {
        WriteCompleteEntries();
        if (_pending.Count > 0)
        {
            throw new InvalidOperationException($"{_pending.Peek().Path} is not complete after every pack is");
        }

        var manifest = RequireManifest();
        for (var number = 0; number < packs.Count; number++)
        {
            manifest.WritePack(new ManifestPack(number, id.ToString(), number, packs[number].Size, packs[number].Sha256));
        }

        manifest.Complete();
        _sealing!.Complete();
        _sealing.Dispose();
    }

    ManifestWriter RequireManifest() => _manifest ?? throw new RefusedInputException("pg_basebackup's tar does not begin with backup_label");

    /// <summary>What was read.</summary>
    public BackupContent ToContent(IReadOnlyList<StoredObject> packs, StoredObject manifest, string dataKey) => new(
        _label!,
        _controlFile ?? throw new RefusedInputException("pg_basebackup's tar holds no global/pg_control"),
        _bytes,
        _files,
        packs,
        manifest,
        dataKey);
}
