using Pitr.Format.Wal;

namespace Pitr.Operations.Retention;

/// <summary>What the names and times of archived segments say of one timeline; nobody needs a secret to know it.</summary>
/// <param name="Timeline">The timeline.</param>
/// <param name="First">Number of its first archived segment: the one it branches off in, or a later one.</param>
/// <param name="Newest">When the latest of its segments was stored, by the repository's clock.</param>
public sealed record TimelineTrace(Timeline Timeline, ulong First, DateTimeOffset Newest);
