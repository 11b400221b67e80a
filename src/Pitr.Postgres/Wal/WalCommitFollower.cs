namespace Pitr.Postgres.Wal;

/// <summary>Finds the commit times in a segment that is still written, again and again, without walking all of it each time.</summary>
public sealed class WalCommitFollower
{
    readonly WalCommitScanner.Times _times = new();
    int _page;

    /// <summary>As <see cref="WalCommitScanner.Scan"/>.</summary>
    /// <param name="segment">The segment's bytes from its start; at least as many as the last time, and of the same segment.</param>
    /// <param name="header">The header of that segment.</param>
    /// <param name="before">The end of the segment before.</param>
    public WalCommitTimes Scan(ReadOnlySpan<byte> segment, WalSegmentHeader header, WalSegmentEdges? before = null)
    {
        ArgumentNullException.ThrowIfNull(header);
        Format.Wal.Lsn? last;
        if (_page == 0)
        {
            _times.Found = WalCommitScanner.Walk(segment, header, out var edges, before);
            last = edges.LastRecord;
        }
        else
        {
            last = WalSegmentWalk.VisitFrom(segment, header, _page, _times);
        }

        // All records before the last one have been seen, and what comes begins behind it.
        if (last is { } record)
        {
            _page = (int)(record - header.PageAddress) / header.BlockSize * header.BlockSize;
        }

        return _times.Found;
    }
}
