namespace Pitr.Operations.Archive;

/// <summary>An unbroken run of segments that one repository holds, as it grows while it is listed.</summary>
/// <param name="first">Number of the first segment on its timeline.</param>
/// <param name="keepsSizes">Whether the size of each segment is kept, 4 bytes for each; needed to add up what several repositories hold.</param>
sealed class StoredRun(ulong first, bool keepsSizes)
{
    readonly List<uint>? _sizes = keepsSizes ? [] : null;

    /// <summary>Number of the first segment.</summary>
    public ulong First => first;

    /// <summary>Number of the last segment, inclusive.</summary>
    public ulong Last => first + (ulong)Count - 1;

    /// <summary>How many segments.</summary>
    public long Count { get; private set; }

    /// <summary>What they take, in bytes as stored.</summary>
    public long Bytes { get; private set; }

    /// <summary>When the latest of them was stored.</summary>
    public DateTimeOffset Newest { get; private set; }

    /// <summary>When the last of them, by position, was stored.</summary>
    public DateTimeOffset LastStored { get; private set; }

    /// <summary>Adds the segment that follows.</summary>
    public void Add(long bytes, DateTimeOffset stored)
    {
        Count++;
        Bytes += bytes;
        Newest = stored > Newest ? stored : Newest;
        LastStored = stored;
        // An object of 4 GiB is no segment; what it takes is cut rather than kept in twice the memory.
        _sizes?.Add((uint)Math.Min(bytes, uint.MaxValue));
    }

    /// <summary>Adds the run that follows without a gap.</summary>
    public void Add(StoredRun next)
    {
        Count += next.Count;
        Bytes += next.Bytes;
        Newest = next.Newest > Newest ? next.Newest : Newest;
        LastStored = next.LastStored;
        _sizes?.AddRange(next._sizes!);
    }

    /// <summary>What the segments from a number on take, in bytes as stored.</summary>
    public long BytesFrom(ulong number)
    {
        if (number <= first)
        {
            return Bytes;
        }

        var bytes = 0L;
        for (var i = (int)(number - first); i < _sizes!.Count; i++)
        {
            bytes += _sizes[i];
        }

        return bytes;
    }
}
