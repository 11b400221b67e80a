using Pitr.Format.Wal;

namespace Pitr.Operations.Archive;

/// <summary>Segments that are missing between archived ones.</summary>
/// <param name="First">First missing segment.</param>
/// <param name="Last">Last missing segment.</param>
/// <param name="Count">How many are missing.</param>
/// <param name="Since">When the last segment before the gap was stored.</param>
public sealed record WalGap(WalSegmentName First, WalSegmentName Last, long Count, DateTimeOffset Since);
