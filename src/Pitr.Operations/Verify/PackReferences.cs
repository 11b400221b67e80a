using Pitr.Format.Manifests;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Verify;

/// <summary>
/// Which records backups take out of the packs that are verified, each once. What does not fit into some megabytes lies in a temporary file without a name; what several backups
/// say alike is put together now and then, so that it grows with the packs and not with the backups. For one thread while it is filled, for several afterwards.
/// </summary>
/// <param name="directory">Where the temporary file is made.</param>
sealed class PackReferences(string directory) : IDisposable
{
    const long FirstCompaction = 1 << 18;

    readonly HashSet<int> _packs = [];
    RunSpool _spool = new(directory);
    long _count;
    long _compactAt = FirstCompaction;

    /// <summary>What a run of a file takes out of its record. Only the place in the record counts; parts that follow one another in it become one in a <see cref="RunSpool"/>.</summary>
    public static SpooledRun Part(in ManifestRun run) => new(run.SliceOffset, run.PackOffset, run.Length, 0, run.Record, run.StoredLength, run.SliceOffset);

    /// <summary>Adds what a file takes out of a pack.</summary>
    /// <param name="pack">The pack's number.</param>
    /// <param name="part">What and where.</param>
    public void Add(int pack, in SpooledRun part)
    {
        _packs.Add(pack);
        if (_spool.Add(pack, part))
        {
            _count++;
        }
    }

    /// <summary>A manifest was read to its end.</summary>
    public void Compact()
    {
        if (_count < _compactAt)
        {
            return;
        }

        var smaller = new RunSpool(directory);
        _count = 0;
        foreach (var pack in _packs)
        {
            foreach (var run in Of(pack))
            {
                smaller.Add(pack, run);
                _count++;
            }
        }

        _spool.Dispose();
        (_spool, _compactAt) = (smaller, Math.Max(FirstCompaction, _count * 2));
    }

    /// <summary>The records of a pack that are used, each with the first byte behind what is used of it; those that contradict each other stay side by side.</summary>
    public SpooledRun[] Of(int pack) =>
    [
        .. _spool.Read(pack)
            .GroupBy(run => (run.Record, run.PackOffset, run.StoredLength))
            .Select(same => new SpooledRun(0, same.Key.PackOffset, same.Max(run => run.SliceOffset + run.Length), 0, same.Key.Record, same.Key.StoredLength, 0)),
    ];

    /// <inheritdoc/>
    public void Dispose() => _spool.Dispose();
}
