using Pitr.Format.Manifests;

namespace Pitr.Operations.Backup;

/// <summary>A manifest entry whose records are still being packed. Runs are filled in by several threads, each its own slots.</summary>
public sealed class PendingEntry(string path, ManifestEntryKind kind, int mode, DateTimeOffset modified, string? target)
{
    readonly List<ManifestRun> _runs = [];
    int _outstanding = 1;
    long _size;

    // The last run has its place already, so what follows it may become part of it.
    bool _isLastKnown;

    /// <summary>Path within the data directory; final when the entry is handed on.</summary>
    public string Path { get; set; } = path;

    /// <summary>When it was written last; final when the entry is handed on.</summary>
    public DateTimeOffset Modified { get; set; } = modified;

    /// <summary>What the file system knows of it; null where nobody asks.</summary>
    public FileMetadata? Metadata { get; set; }

    /// <summary>Bytes of all its runs so far.</summary>
    public long Length
    {
        get
        {
            lock (_runs)
            {
                return _size;
            }
        }
    }

    /// <summary>Every run is known and no more will come.</summary>
    public bool IsComplete => Volatile.Read(ref _outstanding) == 0;

    /// <summary>Adds a run of zeros.</summary>
    public void AddZeros(long length)
    {
        lock (_runs)
        {
            _size += length;
            if (_isLastKnown && _runs[^1] is { IsZeros: true } zeros)
            {
                _runs[^1] = ManifestRun.Zeros(zeros.Length + length);
                return;
            }

            _runs.Add(ManifestRun.Zeros(length));
            _isLastKnown = true;
        }
    }

    /// <summary>Adds a run that is stored already.</summary>
    public void AddStored(ManifestRun run)
    {
        lock (_runs)
        {
            _size += run.Length;
            if (_isLastKnown && _runs[^1] is { IsZeros: false } last && last.Pack == run.Pack && last.Record == run.Record && last.SliceOffset + last.Length == run.SliceOffset)
            {
                _runs[^1] = last with { Length = last.Length + run.Length };
                return;
            }

            _runs.Add(run);
            _isLastKnown = true;
        }
    }

    /// <summary>Reserves the next run, to be filled in by <see cref="SetRun"/>.</summary>
    /// <param name="length">Its bytes.</param>
    /// <param name="offset">Where it begins in the file.</param>
    public int ReserveRun(int length, out long offset)
    {
        Interlocked.Increment(ref _outstanding);
        lock (_runs)
        {
            offset = _size;
            _size += length;
            _runs.Add(default);
            _isLastKnown = false;
            return _runs.Count - 1;
        }
    }

    /// <summary>Fills in a reserved run.</summary>
    public void SetRun(int index, ManifestRun run)
    {
        lock (_runs)
        {
            _runs[index] = run;
        }

        Interlocked.Decrement(ref _outstanding);
    }

    /// <summary>Says that no further run will be reserved.</summary>
    public void Close() => Interlocked.Decrement(ref _outstanding);

    /// <summary>The finished entry.</summary>
    public ManifestEntry ToEntry() => new() { Path = Path, Kind = kind, Size = _size, Mode = mode, Modified = Modified, Target = target, Runs = _runs, Metadata = Metadata };
}
