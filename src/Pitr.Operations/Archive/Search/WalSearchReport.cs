using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Search;

/// <summary>What a search found, and whether it could see everything.</summary>
/// <param name="Timeline">The timeline whose path was searched.</param>
/// <param name="First">First segment between the two moments; null when nothing is archived there.</param>
/// <param name="Last">Last segment.</param>
/// <param name="SegmentsRead">Segments that were opened, those for names before the first moment included.</param>
/// <param name="Commits">How many transactions committed between the two moments.</param>
/// <param name="FirstCommit">Earliest of their times, microseconds since 2000-01-01 UTC; 0 when there are none.</param>
/// <param name="LastCommit">Latest of their times.</param>
/// <param name="Findings">The newest that were found, in the order of the WAL.</param>
/// <param name="Found">How many were found.</param>
/// <param name="Problems">Why there may be more.</param>
/// <param name="NoServer">Why the live server could not be asked for names; null when it was, or need not be.</param>
public sealed record WalSearchReport(
    Timeline Timeline,
    WalSegmentName? First,
    WalSegmentName? Last,
    long SegmentsRead,
    long Commits,
    long FirstCommit,
    long LastCommit,
    IReadOnlyList<WalSearchHit> Findings,
    long Found,
    IReadOnlyList<WalSearchProblem> Problems,
    string? NoServer);
