namespace Pitr.Storage.Retry;

/// <summary>How long and how often to try again.</summary>
/// <param name="Deadline">
/// No attempt starts later than this after the operation began. A running attempt is not cut off: drivers have their own time limits.
/// A listing and a read count from their last progress.
/// </param>
/// <param name="FirstDelay">Longest wait before the second attempt; doubles with each further one.</param>
/// <param name="MaxDelay">
/// Longest wait of all. Each wait is drawn evenly between nothing and its limit ("full jitter"), but is never shorter than the store
/// asked for (<see cref="StorageException.RetryAfter"/>).
/// </param>
public sealed record RetryPolicy(TimeSpan Deadline, TimeSpan FirstDelay, TimeSpan MaxDelay)
{
    /// <summary>Two minutes, starting with 200 ms and doubling to 10 s.</summary>
    public static RetryPolicy Default { get; } = new(TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));

    /// <summary>The longest wait after the given number of failed attempts (1 or more).</summary>
    public TimeSpan LimitAfter(int attempts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        var doubled = FirstDelay.Ticks * Math.Pow(2, attempts - 1);
        return doubled >= MaxDelay.Ticks ? MaxDelay : TimeSpan.FromTicks((long)doubled);
    }
}
