using Pitr.Format.Wal;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Retention;

/// <summary>What the names and times of archived segments say of one timeline; nobody needs a secret to know it.</summary>
/// <param name="Timeline">The timeline.</param>
/// <param name="First">Number of its first archived segment: the one it branches off in, or a later one.</param>
/// <param name="Newest">When the latest of its segments was stored, by the repository's clock.</param>
/// <param name="Ended">When its last segment, by position, was stored by the repository that had it first: a copy that is made years later does not make it younger.</param>
public sealed record TimelineTrace(Timeline Timeline, ulong First, DateTimeOffset Newest, DateTimeOffset Ended)
{
    /// <summary>The traces of everything that an archive has.</summary>
    public static IReadOnlyList<TimelineTrace> Of(WalInventory wal)
    {
        ArgumentNullException.ThrowIfNull(wal);
        return [.. wal.Timelines.Where(t => t.Spans.Count > 0).Select(t => Of(t.Timeline, wal.SegmentSize, t.Spans))];
    }

    /// <summary>The trace of one timeline.</summary>
    /// <param name="timeline">The timeline.</param>
    /// <param name="size">The cluster's segment size.</param>
    /// <param name="spans">What is archived of it, in order, at least one.</param>
    public static TimelineTrace Of(Timeline timeline, WalSegmentSize size, IReadOnlyList<WalSpan> spans)
    {
        ArgumentNullException.ThrowIfNull(spans);
        return new TimelineTrace(timeline, spans[0].First.Number(size), spans.Max(span => span.Newest), spans[^1].LastStored);
    }
}
