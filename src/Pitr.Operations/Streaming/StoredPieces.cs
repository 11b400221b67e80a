using Pitr.Format.Wal;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Streaming;

/// <summary>Collects the pieces of a listing, from several repositories at once, and says which segments they make.</summary>
sealed class StoredPieces(WalSegmentSize size)
{
    readonly Dictionary<(Timeline Timeline, ulong Number), List<(WalPieceName Name, long Bytes, DateTimeOffset Stored)>> _pieces = [];

    /// <summary>Timelines with pieces.</summary>
    public IEnumerable<Timeline> Timelines => _pieces.Keys.Select(k => k.Timeline).Distinct().ToArray();

    /// <summary>Takes a piece down.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="bytes">What it takes in the repository.</param>
    /// <param name="stored">When it was stored.</param>
    public void Add(WalPieceName piece, long bytes, DateTimeOffset stored)
    {
        if (!piece.Segment.IsValidFor(size))
        {
            return;
        }

        lock (_pieces)
        {
            var key = (piece.Segment.Timeline, piece.Segment.Number(size));
            if (!_pieces.TryGetValue(key, out var pieces))
            {
                _pieces.Add(key, pieces = []);
            }

            pieces.Add((piece, bytes, stored));
        }
    }

    /// <summary>Adds the segments that lie in pieces only: those that are whole, and the last of the timeline as far as it goes.</summary>
    /// <param name="timeline">A timeline.</param>
    /// <param name="segments">Number, stored bytes and time of its segments; in any order, a number perhaps several times.</param>
    /// <returns>The last segment, when it is not whole.</returns>
    public WalTail? Complete(Timeline timeline, List<(ulong Number, long Size, DateTimeOffset Stored)> segments)
    {
        if (!_pieces.Keys.Any(k => k.Timeline == timeline))
        {
            return null;
        }

        var numbers = segments.Select(s => s.Number).ToHashSet();
        WalTail? tail = null;
        foreach (var (key, pieces) in _pieces.Where(p => p.Key.Timeline == timeline && !numbers.Contains(p.Key.Number)).OrderBy(p => p.Key.Number))
        {
            var chain = PieceChain.Of(pieces.Select(p => p.Name));
            var end = chain.Count == 0 ? 0 : (int)chain[^1].To;
            // A segment that stayed unfinished in the middle is a gap.
            var isLast = numbers.All(n => n < key.Number) && _pieces.Keys.All(k => k.Timeline != timeline || k.Number <= key.Number);
            if (end < size.Bytes && !(isLast && end > 0))
            {
                continue;
            }

            segments.Add((key.Number, pieces.Where(p => chain.Contains(p.Name)).DistinctBy(p => p.Name).Sum(p => p.Bytes), pieces.Max(p => p.Stored)));
            tail = end < size.Bytes ? new WalTail(WalSegmentName.FromNumber(timeline, key.Number, size), end) : null;
        }

        return tail;
    }
}
