using Pitr.Format.Wal;

namespace Pitr.Postgres.Wal;

/// <summary>What a walk through one segment leaves to be put together with its neighbours.</summary>
public sealed class WalSegmentEdges
{
    /// <summary>LSN of the segment's first byte.</summary>
    public required Lsn Start { get; init; }

    /// <summary>LSN behind its last byte, or behind the last that is known of a segment that is still written.</summary>
    public required Lsn End { get; init; }

    /// <summary>PostgreSQL's major version.</summary>
    public required int MajorVersion { get; init; }

    /// <summary>Where the segment stops making sense, null when it is well to its end.</summary>
    public required WalDamage? Damage { get; init; }

    /// <summary>Where the first record begins that lies wholly in the segment; null when there is none.</summary>
    public required Lsn? FirstRecord { get; init; }

    /// <summary>Where the last record begins that lies wholly in the segment; null when there is none.</summary>
    public required Lsn? LastRecord { get; init; }

    /// <summary>What the first record says about where the one before it begins; 0 when there is none or it cannot be said.</summary>
    internal ulong FirstPrevious { get; init; }

    /// <summary>Of the record that continues here: how many bytes were missing before this segment; 0 when none continues.</summary>
    internal uint HeadRemaining { get; init; }

    /// <summary>Those of them that are here.</summary>
    internal byte[] Head { get; init; } = [];

    /// <summary>The segment begins behind a record that was lost in a crash.</summary>
    internal bool Overwrites { get; init; }

    /// <summary>The beginning of the record that goes on in the next segment; empty when none does.</summary>
    internal byte[] Tail { get; init; } = [];

    /// <summary>Bytes of that record altogether.</summary>
    internal uint TailRecordLength { get; init; }

    /// <summary>Where that record begins.</summary>
    internal Lsn TailPosition { get; init; }

    /// <summary>The whole segment is part of one record, which goes on.</summary>
    internal bool ContinuesThrough { get; init; }
}
