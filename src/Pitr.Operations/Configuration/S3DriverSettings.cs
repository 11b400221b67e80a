using Pitr.Storage;
using Pitr.Storage.S3;

namespace Pitr.Operations.Configuration;

/// <summary>An <c>s3:</c> repository.</summary>
/// <param name="Url">As <see cref="DriverSettings.Url"/>.</param>
/// <param name="Options">What the driver takes, but for what the other two hold.</param>
/// <param name="Credentials">Where its keys come from.</param>
/// <param name="ProxyPassword">The password of the proxy, if it wants one.</param>
public sealed record S3DriverSettings(string Url, S3Options Options, S3CredentialSettings Credentials, SecretValue? ProxyPassword)
    : DriverSettings(Url)
{
    internal static readonly ChoiceWords<S3AddressingStyle> AddressingStyles = new(
        ("auto", S3AddressingStyle.Auto), ("path", S3AddressingStyle.Path), ("virtual", S3AddressingStyle.Virtual));

    internal static readonly ChoiceWords<S3Encryption> Encryptions = new(("none", S3Encryption.None), ("s3", S3Encryption.S3), ("kms", S3Encryption.Kms));

    internal static readonly ChoiceWords<S3ObjectLockMode> ObjectLocks = new(
        ("none", S3ObjectLockMode.None), ("governance", S3ObjectLockMode.Governance), ("compliance", S3ObjectLockMode.Compliance));

    internal static readonly ChoiceWords<S3ChecksumMode> Checksums = new(
        ("when-required", S3ChecksumMode.WhenRequired), ("when-supported", S3ChecksumMode.WhenSupported));

    /// <inheritdoc/>
    public override StoreOptions ToOptions() => Options with { Credentials = Credentials.Reveal(), ProxyPassword = ProxyPassword?.Reveal() };

    // On Amazon a bucket's name is one place whatever the region.
    internal override string Place =>
        $"s3:{Options.Endpoint?.Authority}{Options.Endpoint?.AbsolutePath.TrimEnd('/')}:{Options.Bucket}:{Options.Prefix}";

    internal override IEnumerable<SecretValue> Secrets => ProxyPassword is null ? Credentials.Secrets : Credentials.Secrets.Append(ProxyPassword);

    internal override string? Fault() => Options.Fault();

    internal override void AddTo(ConfigurationTree tree)
    {
        tree.Add("endpoint", Options.Endpoint?.AbsoluteUri)
            .Add("region", Options.Region)
            .Add("addressing-style", AddressingStyles.Of(Options.AddressingStyle));
        Credentials.AddTo(tree);
        tree.Add("storage-class", Options.StorageClass)
            .Add("encryption", Encryptions.Of(Options.Encryption))
            .Add("kms-key", Options.KmsKeyId)
            .Add("ca-file", Options.CaFile)
            .Add("proxy", Options.Proxy?.AbsoluteUri)
            .Add("proxy-user", Options.ProxyUser)
            .Add("proxy-password", ProxyPassword)
            .Add("multipart-threshold", ConfigurationUnits.FormatSize(Options.MultipartThreshold))
            .Add("part-size", ConfigurationUnits.FormatSize(Options.PartSize))
            .Add("parts-in-parallel", Options.PartsInParallel)
            .Add("object-lock", ObjectLocks.Of(Options.ObjectLockMode))
            .Add("object-lock-days", Options.ObjectLockDays)
            .Add("checksums", Checksums.Of(Options.ChecksumMode))
            .Add("connect-timeout", Options.ConnectTimeout)
            .Add("stall-timeout", Options.StallTimeout)
            .Add("request-timeout", Options.RequestTimeout);
    }
}
