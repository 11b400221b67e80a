namespace Pitr.Postgres.Wal;

/// <summary>Proves that segments can be replayed, as far as that shows without replaying: every record's checksum, every page, and how neighbours go on.</summary>
public static class WalSegmentProof
{
    /// <summary>Walks a segment and computes the checksum of every record that lies wholly in it. Nothing is thrown whatever the content.</summary>
    /// <param name="segment">The segment's bytes.</param>
    /// <param name="header">Its header.</param>
    /// <returns>Its edges, with the damage if there is any.</returns>
    public static WalSegmentEdges Walk(ReadOnlySpan<byte> segment, WalSegmentHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        return WalSegmentWalk.Run(segment, header, Nobody.Instance, verify: true);
    }

    /// <summary>As <see cref="Walk"/>, of the beginning of a segment that is still written: that it ends, also within a record, is no damage.</summary>
    /// <param name="beginning">The segment's bytes as far as they are known.</param>
    /// <param name="header">Its header.</param>
    public static WalSegmentEdges WalkBeginning(ReadOnlySpan<byte> beginning, WalSegmentHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        return WalSegmentWalk.Run(beginning, header, Nobody.Instance, verify: true, isBeginning: beginning.Length < header.SegmentSize.Bytes);
    }

    /// <summary>Holds two neighbours against each other, and computes the checksum of the record that lies in both.</summary>
    /// <param name="before">The segment before.</param>
    /// <param name="after">The segment that must follow it.</param>
    /// <returns>What is wrong where they meet; null when nothing is, or one of them is damaged in itself.</returns>
    public static WalDamage? Between(WalSegmentEdges before, WalSegmentEdges after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.Damage is not null || after.Damage is not null)
        {
            return null;
        }

        if (before.ContinuesThrough)
        {
            // The record began further back; how much of it is still to come is known nevertheless.
            var left = before.HeadRemaining - (uint)before.Head.Length;
            return after.Overwrites || after.HeadRemaining == left
                ? null
                : new WalDamage(after.Start, $"{left} bytes of a record are still to come here, and the segment continues one with {after.HeadRemaining}");
        }

        var run = new WalRun();
        run.Add(before, Nobody.Instance);
        return run.Add(after, Nobody.Instance);
    }

    sealed class Nobody : IWalRecordVisitor
    {
        public static readonly Nobody Instance = new();

        public bool MayWant(byte resourceManager, byte info) => false;

        public bool Wants(ReadOnlySpan<byte> start, int majorVersion) => false;

        public void Visit(in WalRecord record)
        {
        }
    }
}
