using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Storage;

namespace Pitr.Operations.Streaming;

/// <summary>Collects the pieces of a listing and says which segments they make.</summary>
sealed class StoredPieces(WalSegmentSize size)
{
    readonly Dictionary<(Timeline Timeline, ulong Number), List<(WalPieceName Name, long Bytes, DateTimeOffset Stored)>> _pieces = [];

    /// <summary>The pieces of several repositories together.</summary>
    public static StoredPieces Union(WalSegmentSize size, IEnumerable<StoredPieces> repositories)
    {
        var union = new StoredPieces(size);
        foreach (var (key, pieces) in repositories.SelectMany(r => r._pieces))
        {
            union._pieces[key] = [.. union._pieces.GetValueOrDefault(key, []), .. pieces];
        }

        return union;
    }

    /// <summary>Takes an object down if it is a piece. From several threads at once.</summary>
    public void Add(ObjectListing item)
    {
        if (!RepositoryLayout.TryParseWalPiece(item.Key, out _, out var piece) || !piece.Segment.IsValidFor(size))
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

            pieces.Add((piece, item.Size, item.Modified));
        }
    }

    /// <summary>The pieces of segments that are not among those which are whole.</summary>
    /// <param name="whole">Timelines with their whole segments.</param>
    public IReadOnlyDictionary<WalSegmentName, IReadOnlyList<WalPieceName>> Of(IEnumerable<WalTimeline> whole)
    {
        var timelines = whole.ToDictionary(t => t.Timeline);
        return _pieces
            .Select(p => (Segment: WalSegmentName.FromNumber(p.Key.Timeline, p.Key.Number, size), Pieces: p.Value))
            .Where(p => !timelines.TryGetValue(p.Segment.Timeline, out var timeline) || !timeline.Contains(p.Segment))
            .ToDictionary(p => p.Segment, p => (IReadOnlyList<WalPieceName>)[.. p.Pieces.Select(s => s.Name)]);
    }

    /// <summary>The timeline with the segments that lie in pieces only: those that are whole, and the last one as far as it goes.</summary>
    public WalTimeline Complete(WalTimeline timeline)
    {
        var numbers = _pieces.Keys.Where(k => k.Timeline == timeline.Timeline).Select(k => k.Number).Order().ToArray();
        foreach (var number in numbers)
        {
            var name = WalSegmentName.FromNumber(timeline.Timeline, number, size);
            var pieces = _pieces[(timeline.Timeline, number)];
            var chain = PieceChain.Of(pieces.Select(p => p.Name));
            var end = chain.Count == 0 ? 0 : (int)chain[^1].To;
            // A segment that stayed unfinished in the middle is a gap.
            var isLast = number == numbers[^1] && timeline.Spans.All(s => s.Last < name);
            if (end == 0 || timeline.Contains(name) || (end < size.Bytes && !isLast))
            {
                continue;
            }

            var stored = pieces.Max(p => p.Stored);
            var counted = chain.ToHashSet();
            var span = new WalSpan(name, name, 1, pieces.Where(p => counted.Remove(p.Name)).Sum(p => p.Bytes), stored, stored);
            timeline = timeline with
            {
                Spans = Insert(timeline.Spans, span),
                Tail = end < size.Bytes ? new WalTail(name, end) : null,
            };
        }

        return timeline;
    }

    List<WalSpan> Insert(IReadOnlyList<WalSpan> spans, WalSpan added)
    {
        var result = new List<WalSpan>();
        foreach (var span in spans.Append(added).OrderBy(s => s.First))
        {
            if (result.Count > 0 && result[^1].Last.Next(size) == span.First)
            {
                var before = result[^1];
                result[^1] = new WalSpan(
                    before.First,
                    span.Last,
                    before.Count + span.Count,
                    before.StoredBytes + span.StoredBytes,
                    span.Newest > before.Newest ? span.Newest : before.Newest,
                    span.LastStored);
            }
            else
            {
                result.Add(span);
            }
        }

        return result;
    }
}
