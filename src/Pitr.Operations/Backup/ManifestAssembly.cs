using Pitr.Format.Keys;
using Pitr.Format.Manifests;
using Pitr.Format.Sealing;
using Pitr.Operations.Errors;
using Pitr.Storage.Limits;

namespace Pitr.Operations.Backup;

/// <summary>
/// What becomes of the files of any backup, whoever reads them: counts them, and writes the manifest as entries become complete. Safe for several threads.
/// </summary>
/// <param name="pipeline">Takes the records.</param>
abstract class ManifestAssembly(PackPipeline pipeline) : IDisposable
{
    const int MostWaiting = 4096;

    readonly Lock _writing = new();
    readonly Queue<PendingEntry> _pending = new();
    SealedObjectWriter? _sealing;
    ManifestWriter? _manifest;
    TeeStream? _tee;
    long _bytes;
    long _reused;
    int _files;

    /// <summary>Bytes to come, for the progress.</summary>
    public long Estimate { get; init; }

    /// <summary>Told where the work is.</summary>
    public IProgress<BackupProgress>? Progress { get; init; }

    /// <summary>How fast files may be read.</summary>
    public BandwidthLimit? Limit { get; init; }

    /// <summary>Where the records go.</summary>
    public PackPipeline Pipeline => pipeline;

    /// <summary>Bytes of files so far.</summary>
    protected long Bytes => Volatile.Read(ref _bytes);

    /// <summary>How many of them were stored already.</summary>
    protected long ReusedBytes => Volatile.Read(ref _reused);

    /// <summary>How many files.</summary>
    protected int Files => _files;

    /// <summary>Begins the manifest, before any entry.</summary>
    /// <param name="destination">Takes the sealed manifest.</param>
    /// <param name="plain">Takes it as it is, for the next backup of this host; null for nobody.</param>
    /// <param name="key">Seals it.</param>
    /// <param name="header">Its first line.</param>
    public void Begin(Stream destination, Stream? plain, DataKey key, ManifestHeader header)
    {
        _sealing = new SealedObjectWriter(destination, key, SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id));
        _tee = new TeeStream(_sealing, plain);
        _manifest = new ManifestWriter(_tee);
        _manifest.WriteHeader(header);
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

    /// <summary>Counts bytes of files that were read.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="reused">How many of them are stored already.</param>
    public void Count(long bytes, long reused)
    {
        Interlocked.Add(ref _reused, reused);
        var read = Interlocked.Add(ref _bytes, bytes);
        Progress?.Report(new BackupProgress("copying", read, Math.Max(read, Estimate), pipeline.StoredBytes));
    }

    /// <summary>Counts a piece that is stored already, in a pack of another backup.</summary>
    public abstract void Use(ManifestRun run);

    /// <summary>The lines of the packs of other backups that are used.</summary>
    protected abstract IEnumerable<ManifestPack> OlderPackLines();

    void WriteCompleteEntries()
    {
        while (_pending.TryPeek(out var entry) && entry.IsComplete)
        {
            _manifest!.WriteEntry(_pending.Dequeue().ToEntry());
        }
    }

    /// <summary>Writes what is left of the manifest, after every record has found its place.</summary>
    /// <exception cref="RefusedInputException">The manifest was never begun.</exception>
    public void Complete(string id, IReadOnlyList<StoredPack> packs)
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
                manifest.WritePack(new ManifestPack(number, id, number, stored.Size, stored.Sha256) { Salt = salt });
            }

            foreach (var pack in OlderPackLines())
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

    /// <inheritdoc/>
    public void Dispose()
    {
        _manifest?.Dispose();
        _sealing?.Dispose();
    }
}
