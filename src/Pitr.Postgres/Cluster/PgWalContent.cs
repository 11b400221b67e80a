using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>What lies in a cluster's pg_wal at one moment.</summary>
/// <param name="At">When it was looked at.</param>
/// <param name="Bytes">All files in it.</param>
/// <param name="Segments">Whole segments, prepared ones included.</param>
/// <param name="PreparedSegments">Segments ahead of the written ones, made or recycled for later: they are filled before the disk takes more.</param>
/// <param name="Timeline">Timeline of <paramref name="WrittenTo"/>; null when no segment was ever written.</param>
/// <param name="WrittenTo">
/// End of the last page that was written, so up to a page (8 KiB) more than the server's position; null when no segment was ever written.
/// </param>
/// <param name="Ready">Files that wait for the archiver (<c>archive_status/*.ready</c>).</param>
/// <param name="OldestReady">The first of the waiting segments by position; null when none waits.</param>
/// <param name="OldestReadySince">When the file that waits longest began to; null when none waits.</param>
/// <param name="FreeBytes">Free on the file system of pg_wal, for the user that asks.</param>
/// <param name="DiskBytes">Size of that file system.</param>
public sealed record PgWalContent(
    DateTimeOffset At,
    long Bytes,
    int Segments,
    int PreparedSegments,
    Timeline? Timeline,
    Lsn? WrittenTo,
    int Ready,
    WalSegmentName? OldestReady,
    DateTimeOffset? OldestReadySince,
    long FreeBytes,
    long DiskBytes);
