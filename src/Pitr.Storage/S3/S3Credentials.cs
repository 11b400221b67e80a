namespace Pitr.Storage.S3;

/// <summary>How to come by the keys that sign requests. Its text never shows a secret.</summary>
public sealed class S3Credentials
{
    S3Credentials(S3CredentialSource source) => Source = source;

    /// <summary>Where the keys come from.</summary>
    public S3CredentialSource Source { get; }

    /// <summary>The keys of the environment.</summary>
    public static S3Credentials FromEnvironment { get; } = new(S3CredentialSource.Environment);

    /// <summary>The keys that the machine or container gives its programs.</summary>
    public static S3Credentials FromInstance { get; } = new(S3CredentialSource.Instance);

    internal string AccessKey { get; private init; } = "";

    internal string SecretKey { get; private init; } = "";

    internal string? SessionToken { get; private init; }

    internal string ProfileName { get; private init; } = "";

    internal string? ProfileFile { get; private init; }

    internal string? RoleArn { get; private init; }

    internal string? TokenFile { get; private init; }

    internal Uri? TokenService { get; private init; }

    /// <summary>Keys as they are.</summary>
    /// <param name="accessKey">The access key, which is no secret.</param>
    /// <param name="secretKey">The secret key.</param>
    /// <param name="sessionToken">Goes with temporary keys.</param>
    public static S3Credentials Static(string accessKey, string secretKey, string? sessionToken = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(accessKey);
        ArgumentException.ThrowIfNullOrEmpty(secretKey);
        return new S3Credentials(S3CredentialSource.Static) { AccessKey = accessKey, SecretKey = secretKey, SessionToken = sessionToken };
    }

    /// <summary>A profile, for example <c>default</c>.</summary>
    /// <param name="name">The profile.</param>
    /// <param name="file">The credentials file; <c>~/.aws/credentials</c> and <c>~/.aws/config</c> when <see langword="null"/>.</param>
    public static S3Credentials Profile(string name, string? file = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new S3Credentials(S3CredentialSource.Profile) { ProfileName = name, ProfileFile = file };
    }

    /// <summary>Keys for a role, in exchange for a token that is read anew each time.</summary>
    /// <param name="roleArn">The role; <c>AWS_ROLE_ARN</c> when <see langword="null"/>.</param>
    /// <param name="tokenFile">The token's file; <c>AWS_WEB_IDENTITY_TOKEN_FILE</c> when <see langword="null"/>.</param>
    /// <param name="tokenService">The security token service; Amazon's of the region when <see langword="null"/>.</param>
    public static S3Credentials WebIdentity(string? roleArn = null, string? tokenFile = null, Uri? tokenService = null) =>
        new(S3CredentialSource.WebIdentity) { RoleArn = roleArn, TokenFile = tokenFile, TokenService = tokenService };

    /// <summary>As messages show it.</summary>
    public override string ToString() => Source switch
    {
        S3CredentialSource.Static => $"access key {AccessKey}",
        S3CredentialSource.Environment => "keys of the environment",
        S3CredentialSource.Profile => $"profile {ProfileName}",
        S3CredentialSource.Instance => "keys of the instance",
        _ => "web identity",
    };
}
