namespace Pitr.Operations.Configuration;

/// <summary>The <c>retry</c> section of a repository: how long a passing failure of the store is waited out.</summary>
/// <param name="Deadline">Total time given to one operation including all its attempts. Default 2 minutes.</param>
/// <param name="FirstDelay">Pause before the second attempt; doubles from there. Default 200 ms.</param>
/// <param name="MaxDelay">Longest pause between two attempts, never below <paramref name="FirstDelay"/>. Default 10 seconds.</param>
public sealed record RetrySettings(TimeSpan Deadline, TimeSpan FirstDelay, TimeSpan MaxDelay)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static RetrySettings Default { get; } = new(TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
}
