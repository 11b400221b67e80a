using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>What is archived of one timeline.</summary>
/// <param name="Timeline">The timeline.</param>
/// <param name="Spans">Unbroken runs in order; more than one means there are gaps between them.</param>
/// <param name="HasHistory">Its .history file is archived.</param>
public sealed record WalTimeline(Timeline Timeline, IReadOnlyList<WalSpan> Spans, bool HasHistory)
{
    /// <summary>The last segment of a stream, as far as its pieces reach; it is also the last of the spans. Null when the last segment is whole.</summary>
    public WalTail? Tail { get; init; }

    /// <summary>Position behind the last byte that is archived, of a segment in pieces too; null when nothing is.</summary>
    /// <param name="size">The cluster's segment size.</param>
    public Lsn? EndLsn(WalSegmentSize size) => Spans is [.., var last] ? last.Last.StartLsn(size) + (ulong)(Tail?.Bytes ?? size.Bytes) : null;

    /// <summary>True when the segment is archived.</summary>
    public bool Contains(WalSegmentName segment) => Spans.Any(s => s.First.CompareTo(segment) <= 0 && segment.CompareTo(s.Last) <= 0);

    /// <summary>The missing runs between the spans.</summary>
    /// <param name="size">The cluster's segment size.</param>
    public IEnumerable<WalGap> Gaps(WalSegmentSize size) => Spans.Zip(Spans.Skip(1), (before, after) => new WalGap(
        before.Last.Next(size),
        after.First.Previous(size),
        (long)(after.First.Number(size) - before.Last.Number(size) - 1),
        before.LastStored));
}
