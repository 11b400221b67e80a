namespace Pitr.Postgres.Wal;

/// <summary>Why a walk through a segment's records ended.</summary>
enum WalWalkEnd
{
    /// <summary>A record ends exactly with the segment.</summary>
    EndOfSegment,

    /// <summary>A record begins in the segment, or before it, and goes on in the next one.</summary>
    InsideRecord,

    /// <summary>An XLOG_SWITCH: the rest of the segment means nothing.</summary>
    Switch,

    /// <summary>Where a record should begin there are zeros: WAL was written up to here.</summary>
    NoRecord,

    /// <summary>Where a record should begin there is no possible length.</summary>
    BadLength,

    /// <summary>A page header has another magic number, address, timeline or flags than it must have.</summary>
    BadPage,

    /// <summary>A page continues no record, or another length of it, than the page before began.</summary>
    BadContinuation,

    /// <summary>A record goes on behind a page, and the next page does not continue it.</summary>
    NotContinued,

    /// <summary>A record is linked to another record than the one before it.</summary>
    BadLink,

    /// <summary>A record's checksum is wrong.</summary>
    BadChecksum,

    /// <summary>The bytes end before the segment does.</summary>
    CutShort,
}
