using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Finds the commit times in a WAL segment: records COMMIT and COMMIT_PREPARED of the resource manager Transaction
/// (PostgreSQL 15 src/include/access/xact.h and xlogrecord.h; the same layout in 14 to 18).
/// </summary>
public static class WalCommitScanner
{
    /// <summary>
    /// Walks the records to the end of valid WAL. A commit that lies in two segments counts for the one it <i>ends</i> in, since it cannot be
    /// replayed without that one: over a run of segments each is counted once. For that the end of the segment before is needed; without it such a
    /// commit counts nowhere. Nothing is thrown whatever the content.
    /// </summary>
    /// <param name="segment">The segment's bytes from its start; may be cut short anywhere.</param>
    /// <param name="header">The header of that segment.</param>
    /// <param name="before">The end of the segment before (<see cref="WalSegmentTail"/>, or what <see cref="Walk"/> gave for it).</param>
    public static WalCommitTimes Scan(ReadOnlySpan<byte> segment, WalSegmentHeader header, WalSegmentEdges? before = null) =>
        Walk(segment, header, out _, before);

    /// <summary>As <see cref="Scan"/>, and gives the segment's edges: where it is damaged, if it is, and what goes on in the next.</summary>
    public static WalCommitTimes Walk(ReadOnlySpan<byte> segment, WalSegmentHeader header, out WalSegmentEdges edges, WalSegmentEdges? before = null)
    {
        ArgumentNullException.ThrowIfNull(header);
        var times = new Times();
        edges = WalSegmentWalk.Run(segment, header, times, verify: false);
        if (before is not null && before.End == edges.Start)
        {
            var run = new WalRun();
            run.Add(before, times);
            run.Add(edges, times);
        }

        return times.Found;
    }

    /// <summary>Finds commit times among the records, and remembers the earliest and the latest.</summary>
    internal sealed class Times : IWalRecordVisitor
    {
        public WalCommitTimes Found { get; set; }

        public bool MayWant(byte resourceManager, byte info) =>
            resourceManager == WalResourceManager.Transaction && Events.WalTransactionEnd.IsCommitRecord(info);

        public bool Wants(ReadOnlySpan<byte> start, int majorVersion) => true;

        public void Visit(in WalRecord record)
        {
            if (record.TryReadMainData(out var main) && BinaryPrimitives.TryReadInt64LittleEndian(main, out var time))
            {
                Found = Found.IsNone ? new WalCommitTimes(time, time) : new WalCommitTimes(Math.Min(Found.First, time), Math.Max(Found.Last, time));
            }
        }
    }
}
