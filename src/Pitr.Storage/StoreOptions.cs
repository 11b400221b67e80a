namespace Pitr.Storage;

/// <summary>Where a repository is and how it is reached: what a driver needs to know. May hold secrets, which its text never shows.</summary>
public abstract record StoreOptions
{
    /// <summary>What is wrong with these values, without a secret; <see langword="null"/> when nothing is.</summary>
    public abstract string? Fault();
}
