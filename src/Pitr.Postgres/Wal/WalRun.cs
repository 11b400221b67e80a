using System.Buffers.Binary;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>
/// Puts an unbroken run of segments together: what begins in one and ends in the next is one record, seen exactly once, and the
/// records of neighbours must be linked. Segments come in order; one that does not follow begins a new run.
/// </summary>
sealed class WalRun
{
    readonly List<byte> _pending = [];
    uint _pendingLength;
    Lsn _pendingPosition;
    ulong _last;
    Lsn? _next;
    bool _wasWell;

    /// <summary>Forgets what came before: the next segment begins a new run.</summary>
    public void Break()
    {
        _pending.Clear();
        _last = 0;
        _next = null;
        _wasWell = false;
    }

    /// <summary>Adds a segment.</summary>
    /// <param name="edges">What its walk left.</param>
    /// <param name="visitor">Gets the record that ends at the segment's beginning, if it is wanted.</param>
    /// <returns>What is wrong where the segments meet; null when nothing is.</returns>
    public WalDamage? Add(WalSegmentEdges edges, IWalRecordVisitor visitor)
    {
        if (_next != edges.Start)
        {
            Break();
        }

        var damage = _next is null ? null : Join(edges, visitor);
        if (damage is null && _last != 0 && edges.FirstPrevious != 0 && edges.FirstPrevious != _last && !IsBehindLostRecord(edges))
        {
            damage = WalDamage.BadLink(edges.FirstRecord!.Value, edges.FirstPrevious, _last);
        }

        Keep(edges, damage);
        return damage;
    }

    void Keep(WalSegmentEdges edges, WalDamage? damage)
    {
        _next = edges.End;
        _last = edges.LastRecord?.Value ?? _last;
        if (edges.ContinuesThrough)
        {
            // Of a record whose beginning is not known, neither is where it ends.
            _wasWell = damage is null && _pending.Count > 0;
            return;
        }

        _wasWell = edges.Damage is null && damage is null;
        _pending.Clear();
        _pending.AddRange(edges.Tail);
        (_pendingLength, _pendingPosition) = (edges.TailRecordLength, edges.TailPosition);
    }

    static bool IsBehindLostRecord(WalSegmentEdges edges) => edges.Overwrites || edges.Head.Length < edges.HeadRemaining;

    WalDamage? Join(WalSegmentEdges edges, IWalRecordVisitor visitor)
    {
        if (_pending.Count == 0)
        {
            return edges.HeadRemaining > 0 && _wasWell
                ? new WalDamage(edges.Start, "the segment continues a record, and the segment before it ends between two")
                : null;
        }

        if (edges.HeadRemaining == 0)
        {
            return edges.Overwrites ? null : new WalDamage(edges.Start, $"the record at {_pendingPosition} goes on here, and the segment does not continue it");
        }

        if (edges.HeadRemaining != _pendingLength - (uint)_pending.Count)
        {
            return new WalDamage(edges.Start, $"the segment does not continue the record at {_pendingPosition}, or says another length");
        }

        _pending.AddRange(edges.Head);
        return _pending.Count < _pendingLength ? null : Visit(edges, visitor);
    }

    WalDamage? Visit(WalSegmentEdges edges, IWalRecordVisitor visitor)
    {
        var bytes = _pending.ToArray();
        var position = _pendingPosition;
        if (!WalRecord.HasValidChecksum(bytes))
        {
            return WalDamage.BadChecksum(position);
        }

        // The last byte is on the segment's first page or, with what is in between, further on; the end matters by the segment only.
        var record = new WalRecord(bytes, position, edges.Start + (uint)Math.Min(edges.Head.Length + WalPage.LongHeaderSize, (long)(edges.End - edges.Start)), edges.MajorVersion);
        if (_last != 0 && record.Previous != _last)
        {
            return WalDamage.BadLink(position, record.Previous, _last);
        }

        _last = position.Value;
        if (visitor.MayWant(record.ResourceManager, record.Info)
            && visitor.Wants(bytes.AsSpan(0, Math.Min(bytes.Length, IWalRecordVisitor.StartLength)), edges.MajorVersion))
        {
            visitor.Visit(in record);
        }

        return null;
    }
}
