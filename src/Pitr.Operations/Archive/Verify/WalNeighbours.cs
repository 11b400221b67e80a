using Pitr.Format.Wal;
using Pitr.Postgres.Wal;

namespace Pitr.Operations.Archive.Verify;

/// <summary>
/// Holds each verified segment against the one before it, in whatever order they come. Keeps a segment's ends only until both neighbours
/// were seen. Safe for use from several threads.
/// </summary>
/// <param name="isVerified">Whether a segment is verified at all, so that waiting for it makes sense.</param>
/// <param name="before">The segment before one, over the branch of a timeline too; null when there is none.</param>
/// <param name="after">The segments that follow one: its successor, and the first of each timeline that branches off there.</param>
/// <param name="onMismatch">Told which segment does not fit the one before it, and why.</param>
sealed class WalNeighbours(
    Func<WalSegmentName, bool> isVerified, Func<WalSegmentName, WalSegmentName?> before, Func<WalSegmentName, IEnumerable<WalSegmentName>> after, Action<WalSegmentName, WalDamage> onMismatch)
{
    readonly Lock _lock = new();
    readonly Dictionary<WalSegmentName, (WalSegmentEdges? Edges, int Awaited)> _ends = [];

    /// <summary>How many segments' ends are kept.</summary>
    public int Kept
    {
        get
        {
            lock (_lock)
            {
                return _ends.Count;
            }
        }
    }

    /// <summary>A segment was verified.</summary>
    /// <param name="segment">Which one.</param>
    /// <param name="edges">What its walk left; null when no repository has a good copy.</param>
    public void Add(WalSegmentName segment, WalSegmentEdges? edges)
    {
        lock (_lock)
        {
            var neighbours = (before(segment) is { } previous ? [previous] : Array.Empty<WalSegmentName>()).Concat(after(segment)).Where(isVerified).ToArray();
            var awaited = neighbours.Length;
            foreach (var neighbour in neighbours)
            {
                if (!_ends.TryGetValue(neighbour, out var known))
                {
                    continue;
                }

                awaited--;
                Compare(segment, edges, neighbour, known.Edges);
                if (known.Awaited == 1)
                {
                    _ends.Remove(neighbour);
                }
                else
                {
                    _ends[neighbour] = known with { Awaited = known.Awaited - 1 };
                }
            }

            if (awaited > 0)
            {
                _ends[segment] = (edges, awaited);
            }
        }
    }

    void Compare(WalSegmentName segment, WalSegmentEdges? edges, WalSegmentName neighbour, WalSegmentEdges? other)
    {
        var (earlier, later, name) = before(segment) == neighbour ? (other, edges, segment) : (edges, other, neighbour);
        if (earlier is not null && later is not null && WalSegmentProof.Between(earlier, later) is { } mismatch)
        {
            onMismatch(name, mismatch);
        }
    }
}
