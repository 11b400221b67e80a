using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Prefetch;

/// <summary>A segment that was fetched ahead and authenticated, in a file of this process.</summary>
/// <param name="Name">Which one.</param>
/// <param name="Path">Where it is; made durable, as PostgreSQL will want it.</param>
/// <param name="Fingerprint">Its fingerprint.</param>
/// <param name="Asked">When the repositories were asked for it, as a timestamp of the clock.</param>
sealed record PrefetchedSegment(WalFileName Name, string Path, byte[] Fingerprint, long Asked);
