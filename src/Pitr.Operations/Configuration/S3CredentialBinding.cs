using Pitr.Storage.S3;

namespace Pitr.Operations.Configuration;

/// <summary>Reads where the keys of an <c>s3:</c> repository come from, and refuses what belongs to another source than the one chosen.</summary>
static class S3CredentialBinding
{
    /// <returns>Null if keys are missing, which has been reported.</returns>
    public static S3CredentialSettings? Bind(YamlSection section)
    {
        var accessKey = section.Secret("access-key", isPublic: true);
        var secretKey = section.Secret("secret-key");
        var sessionToken = section.Secret("session-token");
        var source = S3CredentialSettings.Sources.Read(
            section,
            "credentials",
            accessKey is null ? S3CredentialSource.Environment : S3CredentialSource.Static,
            "keys with an access-key, else environment");
        var settings = new S3CredentialSettings(source)
        {
            AccessKey = accessKey,
            SecretKey = secretKey,
            SessionToken = sessionToken,
            Profile = section.OptionalText("profile", "profile name")?.Text,
            ProfileFile = section.OptionalPath("profile-file"),
            RoleArn = section.OptionalText("role-arn", "role")?.Text,
            TokenFile = section.OptionalPath("token-file"),
            TokenService = section.OptionalHttpUrl("token-service", "the token service asks for none; the token is in \"token-file\""),
        };
        return AreFitting(section, settings) ? settings : null;
    }

    static bool AreFitting(YamlSection section, S3CredentialSettings settings)
    {
        (string Key, bool IsGiven, S3CredentialSource Source, bool IsNeeded)[] keys =
        [
            ("access-key", settings.AccessKey is not null, S3CredentialSource.Static, true),
            ("secret-key", settings.SecretKey is not null, S3CredentialSource.Static, true),
            ("session-token", settings.SessionToken is not null, S3CredentialSource.Static, false),
            ("profile", settings.Profile is not null, S3CredentialSource.Profile, true),
            ("profile-file", settings.ProfileFile is not null, S3CredentialSource.Profile, false),
            ("role-arn", settings.RoleArn is not null, S3CredentialSource.WebIdentity, false),
            ("token-file", settings.TokenFile is not null, S3CredentialSource.WebIdentity, false),
            ("token-service", settings.TokenService is not null, S3CredentialSource.WebIdentity, false),
        ];
        var chosen = S3CredentialSettings.Sources.Of(settings.Source);
        var fits = true;
        foreach (var (key, isGiven, source, isNeeded) in keys)
        {
            if (isGiven && source != settings.Source)
            {
                section.Report(
                    section.WhereIs(key),
                    $"{section.Of(key)} does not belong to \"credentials\": {chosen}",
                    source == S3CredentialSource.Static
                        ? "give both \"access-key\" and \"secret-key\", and no other \"credentials\" than keys"
                        : $"write \"credentials\": {S3CredentialSettings.Sources.Of(source)}, or remove it");
                fits = false;
            }
            else if (!isGiven && isNeeded && source == settings.Source)
            {
                // Given but wrong has been said already.
                if (!section.Holds(key))
                {
                    section.Report(section.Where, $"{section.Title} lacks the key \"{key}\"", $"\"credentials\": {chosen} needs it");
                }
                fits = false;
            }
        }
        return fits;
    }
}
