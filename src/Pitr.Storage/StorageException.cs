namespace Pitr.Storage;

/// <summary>
/// A store could not do what was asked. The message says what happened to which object and why; <see cref="Hint"/> what to do next.
/// </summary>
public class StorageException : Exception
{
    /// <summary>An error of a store.</summary>
    /// <param name="repository">The repository's name in the configuration.</param>
    /// <param name="key">The object, prefix or <see langword="null"/> when the whole repository is concerned.</param>
    /// <param name="message">What happened and why, starting in lower case; repository and key are put before it.</param>
    /// <param name="isTransient">Whether the same request may succeed a moment later.</param>
    /// <param name="hint">What the operator can do about it.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public StorageException(
        string repository, string? key, string message, bool isTransient, string? hint = null, Exception? innerException = null)
        : base(Describe(repository, key, message), innerException)
    {
        Repository = repository;
        Key = key;
        Reason = message;
        IsTransient = isTransient;
        Hint = hint;
    }

    /// <summary>Whether the same request may succeed a moment later: the only errors worth retrying.</summary>
    public bool IsTransient { get; }

    /// <summary>The repository's name in the configuration.</summary>
    public string Repository { get; }

    /// <summary>The object or prefix concerned, if any.</summary>
    public string? Key { get; }

    /// <summary>The message without repository and key before it.</summary>
    public string Reason { get; }

    /// <summary>What to do next, as a sentence starting in lower case.</summary>
    public string? Hint { get; }

    /// <summary>How long the store asked to be left alone; <see langword="null"/> when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    static string Describe(string repository, string? key, string message) =>
        string.IsNullOrEmpty(key) ? $"repository \"{repository}\": {message}" : $"repository \"{repository}\", object \"{key}\": {message}";
}
