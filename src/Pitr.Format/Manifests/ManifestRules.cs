using Pitr.Format.Packs;

namespace Pitr.Format.Manifests;

/// <summary>What must hold in every manifest, whoever wrote it. Writer and reader check the same rules.</summary>
sealed class ManifestRules
{
    // Below this, no record can begin; up to this, none can be stored.
    const int FirstRecordOffset = 104;
    const int MinimumStoredLength = 17;
    const int MaximumMode = 0xFFF;

    readonly Dictionary<int, long> _packSizes = [];
    readonly Dictionary<int, long> _usedUpTo = [];

    public long Entries { get; private set; }

    public int Packs => _packSizes.Count;

    /// <returns>What is wrong with the pack, or null.</returns>
    public string? Add(ManifestPack pack)
    {
        if (pack.Index < 0 || pack.Number < 0 || pack.Size < FirstRecordOffset)
        {
            return $"pack {pack.Index} has an impossible index, number or size";
        }

        if (!IsHexOf32Bytes(pack.Sha256))
        {
            return $"pack {pack.Index} has no valid sha256";
        }

        if (pack.Salt is not null && !IsHexOf32Bytes(pack.Salt))
        {
            return $"pack {pack.Index} has no valid salt";
        }

        return _packSizes.TryAdd(pack.Index, pack.Size) ? null : $"pack {pack.Index} is given twice";
    }

    /// <returns>What is wrong with the entry, or null.</returns>
    public string? Add(ManifestEntry entry)
    {
        Entries++;
        var problem = entry.Mode is < 0 or > MaximumMode || entry.Size < 0 ? "its mode or size is out of range" : CheckKind(entry) ?? CheckRuns(entry);
        return problem is null ? null : $"entry \"{ManifestPath.Printable(entry.Path)}\" is not valid: {problem}";
    }

    /// <returns>What is wrong with the manifest as a whole, or null.</returns>
    public string? Complete()
    {
        foreach (var (pack, end) in _usedUpTo)
        {
            if (!_packSizes.TryGetValue(pack, out var size))
            {
                return $"runs refer to pack {pack}, which is not in the pack table";
            }

            if (end > size)
            {
                return $"runs refer to byte {end} of pack {pack}, which has {size}";
            }
        }

        return null;
    }

    static bool IsHexOf32Bytes(string text) => text.Length == 64 && !text.AsSpan().ContainsAnyExcept("0123456789abcdef");

    static string? CheckKind(ManifestEntry entry)
    {
        if (entry.Kind != ManifestEntryKind.File && (entry.Size != 0 || entry.Runs.Count != 0))
        {
            return "only a file can have content";
        }

        if (entry.Kind == ManifestEntryKind.Link)
        {
            return string.IsNullOrEmpty(entry.Target) ? "a link needs a target" : ManifestPath.TextProblem(entry.Target);
        }

        if ((entry.Kind == ManifestEntryKind.Special) != (entry.Metadata?.Special is not null))
        {
            return "only what is special can say what it is";
        }

        if (entry.Kind == ManifestEntryKind.HardLink)
        {
            return entry.Target is { } other && ManifestPath.IsValid(other) ? null : "a hard link needs the path of a file";
        }

        return entry.Target is null ? null : "only a link can have a target";
    }

    string? CheckRuns(ManifestEntry entry)
    {
        var rest = entry.Size;
        foreach (var run in entry.Runs)
        {
            if (run.Length <= 0 || run.Length > rest)
            {
                return $"its runs do not add up to its size of {entry.Size} bytes";
            }

            rest -= run.Length;
            if (run.IsZeros)
            {
                continue;
            }

            if (run.Record < 0 || run.PackOffset < FirstRecordOffset || run.StoredLength < MinimumStoredLength || run.SliceOffset < 0
                || run.PackOffset > long.MaxValue - run.StoredLength || run.Length > PackWriter.MaximumRecordLength - run.SliceOffset)
            {
                return "a run lies outside of what a pack record can be";
            }

            var end = run.PackOffset + run.StoredLength;
            if (!_usedUpTo.TryGetValue(run.Pack, out var known) || known < end)
            {
                _usedUpTo[run.Pack] = end;
            }
        }

        return rest == 0 ? null : $"its runs do not add up to its size of {entry.Size} bytes";
    }
}
