using Pitr.Format.Manifests;

namespace Pitr.Operations.Backup;

/// <summary>A manifest entry whose records are still being packed. Runs are filled in by several threads, each its own slots.</summary>
public sealed class PendingEntry(string path, ManifestEntryKind kind, long size, int mode, DateTimeOffset modified, string? target)
{
    readonly List<ManifestRun> _runs = [];
    int _outstanding = 1;

    /// <summary>Path within the data directory.</summary>
    public string Path { get; } = path;

    /// <summary>Every run is known and no more will come.</summary>
    public bool IsComplete => Volatile.Read(ref _outstanding) == 0;

    /// <summary>Adds a run of zeros.</summary>
    public void AddZeros(int length)
    {
        lock (_runs)
        {
            _runs.Add(ManifestRun.Zeros(length));
        }
    }

    /// <summary>Reserves the next run, to be filled in by <see cref="SetRun"/>.</summary>
    public int ReserveRun()
    {
        Interlocked.Increment(ref _outstanding);
        lock (_runs)
        {
            _runs.Add(default);
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
    public ManifestEntry ToEntry() => new() { Path = Path, Kind = kind, Size = size, Mode = mode, Modified = modified, Target = target, Runs = _runs };
}
