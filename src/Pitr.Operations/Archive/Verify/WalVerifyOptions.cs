using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Verify;

/// <summary>What is verified.</summary>
/// <param name="Sample">How many segments, spread at random over what the other options leave, in pairs of neighbours; null for all.</param>
/// <param name="SinceLsn">Segments that hold this position and later ones; null for no bound.</param>
/// <param name="SinceTime">Segments from the first with a commit after this moment on; null for no bound.</param>
/// <param name="Timeline">This timeline only; null for all.</param>
/// <param name="Jobs">How many segments at once, 1 or more. Each takes memory for a segment.</param>
/// <param name="Random">Chooses the sample.</param>
public sealed record WalVerifyOptions(int? Sample, Lsn? SinceLsn, DateTimeOffset? SinceTime, Timeline? Timeline, int Jobs, Random Random)
{
    /// <summary>Which share of the segments, 0 to 1, when <see cref="Sample"/> is null; null for all.</summary>
    public double? Share { get; init; }
}
