using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>An unbroken run of archived segments of one timeline.</summary>
/// <param name="First">First segment, inclusive.</param>
/// <param name="Last">Last segment, inclusive.</param>
/// <param name="Count">How many segments, at least 1.</param>
/// <param name="StoredBytes">What they take in the repository, in bytes.</param>
/// <param name="Newest">When the latest of them was stored, by the repository's clock.</param>
/// <param name="LastStored">When <paramref name="Last"/> was stored, by the repository's clock.</param>
public sealed record WalSpan(WalSegmentName First, WalSegmentName Last, long Count, long StoredBytes, DateTimeOffset Newest, DateTimeOffset LastStored);
