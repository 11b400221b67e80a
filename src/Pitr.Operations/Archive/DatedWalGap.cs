namespace Pitr.Operations.Archive;

/// <summary>A gap, and the commits around it.</summary>
/// <param name="Gap">What is missing.</param>
/// <param name="CommitBefore">The last archived commit before it; null when none was found.</param>
/// <param name="CommitAfter">The first archived commit after it; null when none was found.</param>
public sealed record DatedWalGap(WalGap Gap, DateTimeOffset? CommitBefore, DateTimeOffset? CommitAfter);
