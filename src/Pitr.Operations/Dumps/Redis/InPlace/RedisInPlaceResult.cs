namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>What came of a restore in place that succeeded.</summary>
/// <param name="Keys">Keys that the server loaded; null when it does not say (Redis before 7).</param>
/// <param name="Kept">Where the old data is; empty when there was none, or it was removed.</param>
/// <param name="Warnings">What somebody should look at.</param>
public sealed record RedisInPlaceResult(long? Keys, IReadOnlyList<string> Kept, IReadOnlyList<string> Warnings);
