using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Restore.InPlace;

/// <summary>What came of a restore in place that succeeded.</summary>
/// <param name="End">How recovery ended: promoted, or paused at its target.</param>
/// <param name="LastCommit">The last transaction replayed, as far as the server tells.</param>
/// <param name="Kept">Where the old cluster's directories are, the data directory first; empty when they were removed, or there were none.</param>
/// <param name="LeftWal">What of the old cluster's WAL lies there and in no repository, in sentences.</param>
public sealed record InPlaceResult(RecoveryEnd End, DateTimeOffset? LastCommit, IReadOnlyList<string> Kept, IReadOnlyList<string> LeftWal);
