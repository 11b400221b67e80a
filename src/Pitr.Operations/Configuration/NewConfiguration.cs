namespace Pitr.Operations.Configuration;

/// <summary>What <c>pitr init</c> has found out or been told; <see cref="ConfigurationText.Render"/> makes the file of it.</summary>
public sealed record NewConfiguration
{
    /// <summary>Name of the PostgreSQL service.</summary>
    public required string ServiceName { get; init; }

    /// <summary>URL of the repository.</summary>
    public required string RepositoryUrl { get; init; }

    /// <summary>
    /// Further keys of the repository and their values, without their quotes; <c>retry.deadline</c> for what stands below another key. Secrets
    /// are references.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> RepositoryOptions { get; init; } = [];

    /// <summary>Absolute paths of public keys; at least one.</summary>
    public required IReadOnlyList<string> RecipientFiles { get; init; }

    /// <summary>Name of the repository.</summary>
    public string RepositoryName { get; init; } = "local";

    /// <summary>Absolute path of the private key, or null if it is kept elsewhere.</summary>
    public string? IdentityFile { get; init; }

    /// <summary>Reference to the identity's passphrase (<c>${VARIABLE}</c> or <c>file:/path</c>), or null. Never the passphrase itself.</summary>
    public string? PassphraseReference { get; init; }

    /// <summary>Absolute path for caches and spool; null leaves the default.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Absolute path of the agent's socket; null leaves the default.</summary>
    public string? Socket { get; init; }

    /// <summary>Absolute path of the data directory, or null for a server elsewhere.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>How the server is reached, without a password.</summary>
    public string Connection { get; init; } = PostgresServiceSettings.DefaultConnection;

    /// <summary>Reference to the connection's password, or null. Never the password itself.</summary>
    public string? PasswordReference { get; init; }

    /// <summary>Absolute path of the server's programs, or null to look in the usual places.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>Absolute path of <c>pitr-archive</c>, or null for the one beside <c>pitr</c>.</summary>
    public string? ArchiveProgram { get; init; }

    /// <summary>What drills are held against.</summary>
    public ObjectiveSettings Objectives { get; init; } = ObjectiveSettings.Default;

    /// <summary>What an expiry keeps.</summary>
    public RetentionSettings Retention { get; init; } = RetentionSettings.Default;

    /// <summary>Every key that a repository of some kind may have, as <see cref="RepositoryOptions"/> takes it, and its type.</summary>
    internal static IReadOnlyDictionary<string, string> RepositoryKeyTypes => Keys.Value;

    /// <summary>Whether a repository's key takes secrets.</summary>
    internal static bool IsSecret(string key) => RepositoryKeyTypes.TryGetValue(key, out var type) && type == YamlSection.SecretType;

    const string Below = "repositories.*.";

    static readonly Lazy<Dictionary<string, string>> Keys = new(() => ConfigurationLoader.KnownKeys()
        .Where(key => key.Path.StartsWith(Below, StringComparison.Ordinal))
        .ToDictionary(key => key.Path[Below.Length..], key => key.Type, StringComparer.Ordinal));
}
