namespace Pitr.Storage.Retry;

/// <summary>Told before each wait, for logs and counters.</summary>
/// <param name="Operation">What is tried, such as <c>put</c>.</param>
/// <param name="Key">The key or prefix concerned.</param>
/// <param name="Attempt">How many attempts have failed so far, 1 or more.</param>
/// <param name="Delay">The wait before the next one.</param>
/// <param name="Error">The error of the last attempt.</param>
public sealed record RetryNotice(string Operation, string Key, int Attempt, TimeSpan Delay, StorageException Error);
