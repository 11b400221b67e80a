using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Postgres.Sessions;
using Pitr.Storage.Limits;

namespace Pitr.Operations.Backup;

/// <summary>
/// What becomes of everything that is read, whoever reads it: counts it, and writes the manifest as entries become complete. Safe for several threads.
/// </summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="id">The backup.</param>
/// <param name="facts">About the server.</param>
/// <param name="pipeline">Takes the records.</param>
sealed class BackupAssembly(ServiceName service, BackupId id, ServerFacts facts, PackPipeline pipeline) : IDisposable
{
    const int MostDamageListed = 1000;
    const int MostWaiting = 4096;

    readonly Lock _writing = new();
    readonly Queue<PendingEntry> _pending = new();
    readonly List<DamagedPage> _damage = [];
    SealedObjectWriter? _sealing;
    ManifestWriter? _manifest;
    TeeStream? _tee;
    long _bytes;
    long _reused;
    int _files;
    int _damagedPages;

    /// <summary>Bytes to come, for the progress.</summary>
    public long Estimate { get; init; }

    /// <summary>Told where the work is.</summary>
    public IProgress<BackupProgress>? Progress { get; init; }

    /// <summary>How fast the cluster may be read.</summary>
    public BandwidthLimit? Limit { get; init; }

    /// <summary>About the server.</summary>
    public ServerFacts Facts => facts;

    /// <summary>Where the records go.</summary>
    public PackPipeline Pipeline => pipeline;

    /// <summary>The backup whose unchanged pages are not copied again; null to copy everything.</summary>
    public BackupBase? Basis { get; set; }

    /// <summary>What interrupted backups have left, looked at before the base; null when nothing.</summary>
    public InterruptedBackups? Interrupted { get; set; }

    /// <summary>What has changed since <see cref="Basis"/>, as the server says; null when the pages have to tell.</summary>
    public ChangedRelations? Changes { get; set; }

    /// <summary>Where replay of this backup begins: no page with a position from here on is trusted to be whole.</summary>
    public Lsn StartLsn { get; private set; }

    /// <summary>Begins the manifest, before any entry.</summary>
    /// <param name="destination">Takes the sealed manifest.</param>
    /// <param name="plain">Takes it as it is, for the next backup of this host; null for nobody.</param>
    /// <param name="key">Seals it.</param>
    /// <param name="start">Where replay begins.</param>
    /// <param name="timeline">On which timeline.</param>
    public void Begin(Stream destination, Stream? plain, DataKey key, Lsn start, Timeline timeline)
    {
        StartLsn = start;
        _sealing = new SealedObjectWriter(destination, key, SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id));
        _tee = new TeeStream(_sealing, plain);
        _manifest = new ManifestWriter(_tee);
        _manifest.WriteHeader(new ManifestHeader(
            1, service.ToString(), id.ToString(), facts.SystemIdentifier, timeline.Value, start, facts.PageSize, facts.DataChecksums ? 1u : 0u));
    }

    /// <summary>Takes an entry, which may still lack runs; those before it are written when they are complete.</summary>
    public void Add(PendingEntry entry, bool isFile)
    {
        lock (_writing)
        {
            _files += isFile ? 1 : 0;
            _pending.Enqueue(entry);
            WriteCompleteEntries();
        }
    }

    /// <summary>
    /// Whether many entries wait for one before them: the page of that one lies in a record that is not full yet, and fills slowly where hardly
    /// anything has changed.
    /// </summary>
    public bool IsHeldUp
    {
        get
        {
            lock (_writing)
            {
                return _pending.Count > MostWaiting;
            }
        }
    }

    /// <summary>Counts bytes of the cluster that were read.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="reused">How many of them are stored already.</param>
    public void Count(long bytes, long reused)
    {
        Interlocked.Add(ref _reused, reused);
        var read = Interlocked.Add(ref _bytes, bytes);
        Progress?.Report(new BackupProgress("copying", read, Math.Max(read, Estimate), pipeline.StoredBytes));
    }

    /// <summary>Counts a piece that is stored already, in a pack of the base or of an interrupted backup.</summary>
    public void Use(ManifestRun run)
    {
        if (run.Pack >= InterruptedBackups.FirstIndex)
        {
            Interrupted!.Use(run);
        }
        else
        {
            Basis!.Use(run);
        }
    }

    /// <summary>Remembers a page with a wrong checksum.</summary>
    public void Report(DamagedPage page)
    {
        pipeline.Journal?.Damage(page.Path);
        lock (_damage)
        {
            _damagedPages++;
            if (_damage.Count < MostDamageListed)
            {
                _damage.Add(page);
            }
        }
    }

    /// <summary>Whether a page had a wrong checksum.</summary>
    public bool HasDamage => Volatile.Read(ref _damagedPages) > 0;

    /// <summary>Forgets what was reported: whoever read the pages knows that they are sound.</summary>
    public void DismissDamage()
    {
        lock (_damage)
        {
            _damagedPages = 0;
            _damage.Clear();
        }
    }

    void WriteCompleteEntries()
    {
        while (_pending.TryPeek(out var entry) && entry.IsComplete)
        {
            _manifest!.WriteEntry(_pending.Dequeue().ToEntry());
        }
    }

    /// <summary>Writes what is left of the manifest, after every record has found its place.</summary>
    /// <exception cref="RefusedInputException">The manifest was never begun.</exception>
    public void Complete(IReadOnlyList<StoredPack> packs)
    {
        lock (_writing)
        {
            var manifest = _manifest ?? throw new InvalidOperationException("the manifest was never begun");
            WriteCompleteEntries();
            if (_pending.Count > 0)
            {
                throw new InvalidOperationException($"{_pending.Peek().Path} is not complete after every pack is");
            }

            for (var number = 0; number < packs.Count; number++)
            {
                var (stored, salt) = packs[number];
                manifest.WritePack(new ManifestPack(number, id.ToString(), number, stored.Size, stored.Sha256) { Salt = salt });
            }

            foreach (var pack in (Basis?.UsedPackLines() ?? []).Concat(Interrupted?.UsedPackLines() ?? []))
            {
                manifest.WritePack(pack);
            }

            manifest.Complete();
            _tee!.Flush();
            _sealing!.Complete();
        }
    }

    /// <summary>Whether the plain copy of the manifest is whole.</summary>
    public bool IsPlainWhole => _tee?.IsSecondWhole == true;

    /// <summary>What was read.</summary>
    public BackupContent ToContent(IReadOnlyList<StoredPack> packs, StoredObject manifest, string dataKey) => new(_bytes, _files, [.. packs.Select(p => p.Object)], manifest, dataKey)
    {
        ReusedBytes = _reused,
        OlderPacks = [.. Basis?.UsedPacks() ?? [], .. Interrupted?.UsedPacks() ?? []],
        Resumed = Interrupted?.Resumed() ?? [],
        Changes = Basis is null ? null : Changes is null ? "lsn" : "summaries",
        DamagedPages = _damagedPages,
        Damage = [.. _damage.OrderBy(page => page.Path, StringComparer.Ordinal).ThenBy(page => page.Block)],
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _manifest?.Dispose();
        _sealing?.Dispose();
    }
}
