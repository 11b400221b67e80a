using Pitr.Storage.S3;

namespace Pitr.Operations.Configuration;

/// <summary>Where the keys of an <c>s3:</c> repository come from. What does not belong to <paramref name="Source"/> is null.</summary>
/// <param name="Source">Where they come from.</param>
public sealed record S3CredentialSettings(S3CredentialSource Source)
{
    internal static readonly ChoiceWords<S3CredentialSource> Sources = new(
        ("keys", S3CredentialSource.Static),
        ("environment", S3CredentialSource.Environment),
        ("profile", S3CredentialSource.Profile),
        ("instance", S3CredentialSource.Instance),
        ("web-identity", S3CredentialSource.WebIdentity));

    /// <summary>The access key. No secret, but often kept with the one that is, so it may be a reference too.</summary>
    public SecretValue? AccessKey { get; init; }

    /// <summary>The secret key.</summary>
    public SecretValue? SecretKey { get; init; }

    /// <summary>Goes with temporary keys.</summary>
    public SecretValue? SessionToken { get; init; }

    /// <summary>The profile of the shared credentials file.</summary>
    public string? Profile { get; init; }

    /// <summary>The shared credentials file, or null for the user's.</summary>
    public string? ProfileFile { get; init; }

    /// <summary>The role, or null for <c>AWS_ROLE_ARN</c>.</summary>
    public string? RoleArn { get; init; }

    /// <summary>The token's file, or null for <c>AWS_WEB_IDENTITY_TOKEN_FILE</c>.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The security token service, or null for Amazon's.</summary>
    public Uri? TokenService { get; init; }

    /// <summary>What the driver takes, secrets revealed.</summary>
    /// <exception cref="ConfigurationException">The variable or file of a secret is missing, empty or not private.</exception>
    public S3Credentials Reveal() => Source switch
    {
        S3CredentialSource.Static => S3Credentials.Static(AccessKey!.Reveal(), SecretKey!.Reveal(), SessionToken?.Reveal()),
        S3CredentialSource.Environment => S3Credentials.FromEnvironment,
        S3CredentialSource.Profile => S3Credentials.Profile(Profile!, ProfileFile),
        S3CredentialSource.Instance => S3Credentials.FromInstance,
        S3CredentialSource.WebIdentity => S3Credentials.WebIdentity(RoleArn, TokenFile, TokenService),
        _ => throw new InvalidOperationException($"no credentials come from {Source}"),
    };

    internal IEnumerable<SecretValue> Secrets => new[] { AccessKey, SecretKey, SessionToken }.OfType<SecretValue>();

    internal void AddTo(ConfigurationTree tree) => tree
        .Add("credentials", Sources.Of(Source))
        .Add("access-key", AccessKey)
        .Add("secret-key", SecretKey)
        .Add("session-token", SessionToken)
        .Add("profile", Profile)
        .Add("profile-file", ProfileFile)
        .Add("role-arn", RoleArn)
        .Add("token-file", TokenFile)
        .Add("token-service", TokenService?.AbsoluteUri);
}
