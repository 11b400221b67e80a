using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Postgres.Recovery;

namespace Pitr.Operations.Restore;

/// <summary>How a restore will be done; everything in it was found to be there before the first byte is fetched.</summary>
/// <param name="Backup">The backup it starts from.</param>
/// <param name="BackupReason">Why this one.</param>
/// <param name="Target">The moment asked for.</param>
/// <param name="Timelines">The path, from the backup's timeline to the target's, ascending.</param>
/// <param name="FirstWal">First segment that will be replayed.</param>
/// <param name="LastWal">Last segment that can be needed.</param>
/// <param name="WalSegments">How many segments that is; every one is in a repository.</param>
/// <param name="LastCommit">Last archived commit on the path, the latest moment there is; null when none was found.</param>
/// <param name="FetchBytes">Bytes of the backup that will be fetched.</param>
/// <param name="RestoredBytes">Bytes the data directory will have.</param>
public sealed record RestorePlan(
    BackupDocument Backup,
    string BackupReason,
    RecoveryTarget Target,
    IReadOnlyList<Timeline> Timelines,
    WalSegmentName FirstWal,
    WalSegmentName LastWal,
    long WalSegments,
    DateTimeOffset? LastCommit,
    long FetchBytes,
    long RestoredBytes)
{
    /// <summary>Names of the repositories the plan was made from, and that recovery asks: those that answered.</summary>
    public IReadOnlyList<string> Repositories { get; init; } = [];

    /// <summary>What somebody should know who asks for this, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The timeline recovery ends on.</summary>
    public Timeline TargetTimeline => Timelines[^1];
}
