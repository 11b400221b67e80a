namespace Pitr.Operations.Archive.Status;

/// <summary>From where on something is wrong.</summary>
/// <param name="LongestWait">A complete segment may wait for the archiver this long.</param>
/// <param name="ShortestTimeLeft">The disk of pg_wal must last at least this long at the present growth.</param>
public sealed record WalStatusLimits(TimeSpan LongestWait, TimeSpan ShortestTimeLeft)
{
    /// <summary>Below this many segments of room the disk is as good as full, however slowly it grows.</summary>
    public const int FewestSegments = 16;

    /// <summary>A day: long enough for a person to do something about it.</summary>
    public static readonly TimeSpan DefaultTimeLeft = TimeSpan.FromDays(1);
}
