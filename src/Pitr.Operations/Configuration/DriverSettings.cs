using Pitr.Storage;

namespace Pitr.Operations.Configuration;

/// <summary>What one kind of repository has to be told; a record per scheme. Holds references to secrets, and shows none.</summary>
/// <param name="Url">Where the repository is, in the one spelling there is for a place. Never carries a password.</param>
public abstract record DriverSettings(string Url)
{
    /// <summary>What the driver takes, its secrets revealed. Hand it to the driver and to nothing else.</summary>
    /// <exception cref="ConfigurationException">The variable or file of a secret is missing, empty or not private.</exception>
    public abstract StoreOptions ToOptions();

    /// <summary>Equal for two repositories that are the same place, whatever else differs.</summary>
    internal abstract string Place { get; }

    /// <summary>Every secret there is a reference to.</summary>
    internal virtual IEnumerable<SecretValue> Secrets => [];

    /// <summary>What the driver would say against these values, as far as that can be told without the secrets; null when nothing.</summary>
    internal abstract string? Fault();

    /// <summary>Adds every key but <c>url</c>, secrets masked.</summary>
    internal virtual void AddTo(ConfigurationTree tree)
    {
    }
}
